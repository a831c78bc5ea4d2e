//! Printing, one thing to a line, so that a difference between two files reads well.

use std::fmt::{self, Display, Formatter};

use crate::{Event, FORMAT, Field, Lock, Reader, Set, word};

impl Display for Lock {
    /// The text of the file. It is sorted if [`sort`](Lock::sort) was called.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "# es events.lock, format {FORMAT}; written by `ES_LOCK=accept cargo test`")?;
        self.sets.iter().try_for_each(|set| set.fmt(formatter))
    }
}

impl Display for Set {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "set {}", word(&self.name))?;
        for (index, aggregate) in self.aggregates.iter().enumerate() {
            write!(formatter, "{} {}", if index == 0 { " of" } else { "," }, word(aggregate))?;
        }
        writeln!(formatter)?;
        self.events.iter().try_for_each(|event| event.fmt(formatter))?;
        self.retired.iter().try_for_each(|name| writeln!(formatter, "  retired {}", word(name)))
    }
}

impl Display for Event {
    /// The lines of one version, as the shape of an event is kept in the code.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "  event {} v{}", word(&self.name), self.version)?;
        let Some(form) = self.form() else { return writeln!(formatter, " read by {}", self.reader) };
        writeln!(formatter, "{}", Attributes(&form.attributes))?;
        form.fields.iter().try_for_each(|field| writeln!(formatter, "    {field}"))
    }
}

impl Display for Reader {
    /// The words that stand behind `read by`.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Struct(_) => "a struct",
            Self::Step => "a step over JSON",
            Self::Hand => "code written by hand",
        })
    }
}

impl Display for Field {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}{}", word(&self.name), self.ty, Attributes(&self.attributes))
    }
}

/// Serde attributes at the end of a line, where there are some.
struct Attributes<'a>(&'a [String]);

impl Display for Attributes<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(formatter, "  #[serde({})]", self.0.join(", ")) }
    }
}
