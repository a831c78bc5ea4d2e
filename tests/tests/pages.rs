//! The pages of the diagnostics, held against the messages, the UI cases, and the places that list them.
//!
//! A page explains the messages of one UI case: `es-core/src/docs/diagnostics/<kind>/<case>.md` those of
//! `tests/ui/<kind>/<case>.rs`. What fails here says what to write, and where.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use es_tests::source::{Complaints, TraitMessage, clean, files, messages, outputs, trait_messages};

const PAGES: &str = "es-core/src/docs/diagnostics";
const INDEX: &str = "es-core/src/docs/diagnostics.md";
const MODULES: &str = "es-core/src/diagnostics.rs";

/// The pages by UI case, such as `version/gap.rs`.
fn pages() -> BTreeMap<String, String> {
    files(PAGES, ".md").into_iter().map(|(path, text)| (path.replace(".md", ".rs"), text)).collect()
}

/// Where the page of a UI case is.
fn page(case: &str) -> String {
    format!("{PAGES}/{}", case.replace(".rs", ".md"))
}

/// The path of a page's module below `es_core::diagnostics`.
fn module(case: &str) -> String {
    case.replace(".rs", "").replace('/', "::").replace('-', "_")
}

/// What a page quotes of the compiler's words, block by block.
fn quotes(page: &str) -> Vec<&str> {
    page.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default().trim_end()).collect()
}

/// All that a page quotes, clean.
fn quoted(page: &str) -> String {
    clean(&quotes(page).join("\n"))
}

/// The first line of a message, as the index has it.
fn headline(quote: &str) -> &str {
    let first = quote.lines().next().unwrap_or_default();
    let message = first.split_once(": ").map_or(first, |(_, message)| message);
    message.strip_prefix("evaluation panicked: ").unwrap_or(message)
}

/// The compiler's words in which most of the fragments are, as a page quotes them: without what moves with each change of
/// the case or of the library, which are line numbers, places and the compiler's own help.
fn quote(case: &str, fragments: &[String]) -> String {
    let output = files("tests/ui", ".stderr").remove(&case.replace(".rs", ".stderr")).unwrap_or_default();
    let count = |error: &str| fragments.iter().filter(|fragment| clean(error).contains(*fragment)).count();
    let errors: Vec<&str> = output.split("\n\n").filter(|error| error.starts_with("error")).collect();
    let error = errors.into_iter().rev().max_by_key(|error| count(error)).unwrap_or_default();
    let is_own = |line: &str| line.starts_with("help:") || line.starts_with("note:");
    let mut lines: Vec<String> = Vec::new();
    for line in error.lines().take_while(|line| !is_own(line)) {
        let margin =
            line.find(" |").filter(|margin| line[..*margin].trim().chars().all(|digit| digit.is_ascii_digit()));
        match margin {
            Some(margin) => lines.push(format!("{}{}", " ".repeat(margin), &line[margin..])),
            None if line.contains("--> ") || line.trim_start().starts_with("= ") => {}
            None => lines.push(line.to_owned()),
        }
    }
    let note = |line: &&str| line.trim_start().starts_with("= note: ") && !line.contains("originates");
    match error.lines().find(note) {
        Some(note) => lines.push(note.to_owned()),
        None => drop(lines.pop_if(|line| line.trim() == "|")),
    }
    lines.join("\n")
}

/// A block of the text of a page, set off from what is said about it.
fn indented(block: &str) -> String {
    block.split('\n').fold(String::new(), |text, line| text + format!("    {line}").trim_end() + "\n")
}

/// What to write for a message that is on no page.
fn instruction(case: &str, fragments: &[String], page_of_case: Option<&String>) -> String {
    let quote = quote(case, fragments);
    let (kind, name) = case.trim_end_matches(".rs").split_once('/').unwrap_or_default();
    let (page, first) = (page(case), headline(&quote));
    if page_of_case.is_some_and(|text| quotes(text).iter().any(|quote| headline(quote) == first)) {
        return format!("Quote it anew in {page}:\n\n{}", indented(&quote));
    }
    let mut text = match page_of_case {
        None => format!("Write {page}:\n\n    # What is wrong, in the words of a user\n"),
        Some(text) if text.contains("\n## ") => format!("Add a section to {page}:\n\n    ## What is wrong\n"),
        Some(_) => {
            format!("Quote it in {page}, or make two sections of that, each with a heading:\n\n    ## What is wrong\n")
        }
    };
    let parts = [
        &format!("```text\n{quote}\n```"),
        "**Cause.** What is the case, and what would go wrong at run time or years later.",
        "**Cure.** What to do instead; of two ways out, both.",
        "```rust\nuse es_core::prelude::*;\n# // The smallest program that compiles; what is not new in it is hidden.\n```",
        &format!("The program that is refused: `tests/ui/{case}`."),
    ];
    text.extend(parts.iter().flat_map(|part| ["\n".to_owned(), indented(part)]));
    let (folder, is_new) =
        (kind.replace('-', "_"), !modules().iter().any(|case| case.starts_with(&format!("{kind}/"))));
    if is_new {
        let block = format!("/// What it is about.\n    {folder} in \"{kind}\": {{\n        {name},\n    }}");
        let _ = writeln!(text, "\nAdd to the list in {MODULES}:\n\n    {block}");
        let _ = writeln!(text, "\nAdd to {INDEX}:\n\n    ## `{kind}`: what it is about");
    } else if page_of_case.is_none() {
        let _ = writeln!(text, "\nAdd to {MODULES}, within `{folder} in \"{kind}\": {{ .. }}`:\n\n    {name},");
    }
    let entry = entry(case, first);
    let _ = writeln!(text, "\nAdd to {INDEX}, below the heading \"`{kind}`: ..\":\n\n    {entry}");
    text
}

/// The line of the index for a message on the page of the case.
fn entry(case: &str, headline: &str) -> String {
    let (_, name) = case.trim_end_matches(".rs").split_once('/').unwrap_or_default();
    format!("- [`{name}`](crate::diagnostics::{}): {headline}", module(case))
}

/// Each function of the macros' messages has its page: that of the first UI case that it names.
#[test]
fn every_message_of_the_macros_has_its_page() {
    let mut complaints = Complaints::default();
    let (pages, outputs) = (pages(), outputs());
    for message in messages() {
        let (Some(function), Some(case)) = (&message.function, message.cases.first()) else { continue };
        let Some(output) = outputs.get(case) else { continue };
        // Of words that stand in for one another, the case may show several and the page one.
        let shown: Vec<_> = message.fragments.iter().filter(|fragment| output.contains(*fragment)).collect();
        let quoted = pages.get(case).map(|page| quoted(page)).unwrap_or_default();
        let is_quoted = |fragment: &&String| quoted.contains(*fragment);
        let is_there = pages.contains_key(case)
            && if message.chooses { shown.iter().any(is_quoted) } else { shown.iter().all(is_quoted) };
        if !is_there {
            let instruction = instruction(case, &message.fragments, pages.get(case));
            complaints.add(&message.file, format_args!("no page explains `{function}`. {instruction}"));
        }
    }
    complaints.report();
}

/// The case that shows a trait's message; of several the one that is about nothing else.
fn case_of(message: &TraitMessage, outputs: &BTreeMap<String, String>) -> Option<String> {
    let fragments = message.fragments();
    let shows = |output: &&String| fragments.iter().all(|fragment| output.contains(fragment));
    let cases: Vec<_> = outputs.iter().filter(|(_, output)| shows(output)).collect();
    let (case, _) = cases.into_iter().min_by_key(|(case, output)| (case.starts_with("cascade/"), output.len()))?;
    Some(case.clone())
}

/// Each text of `on_unimplemented` is quoted by some page, its message and its note.
#[test]
fn every_message_of_the_traits_has_its_page() {
    let mut complaints = Complaints::default();
    let (pages, outputs) = (pages(), outputs());
    let quoted: Vec<String> = pages.values().map(|page| quoted(page)).collect();
    for message in trait_messages() {
        let fragments = message.fragments();
        if !quoted.iter().any(|quoted| fragments.iter().all(|fragment| quoted.contains(fragment))) {
            let instruction = match case_of(&message, &outputs) {
                Some(case) => instruction(&case, &fragments, pages.get(&case)),
                None => "Add a UI case that shows it.".to_owned(),
            };
            complaints.add(&message.file, format_args!("no page explains `{}`. {instruction}", message.name));
        }
    }
    complaints.report();
}

/// A page quotes what the compiler says of its case, line by line; so no page outlives its case.
#[test]
fn every_page_quotes_its_case() {
    let mut complaints = Complaints::default();
    let outputs = outputs();
    for (case, text) in pages() {
        let Some(output) = outputs.get(&case) else {
            complaints
                .add(&page(&case), format_args!("there is no case tests/ui/{case} that fails; rename or remove it"));
            continue;
        };
        let lines: BTreeSet<&str> = output.lines().collect();
        if quotes(&text).is_empty() {
            complaints.add(&page(&case), "it quotes nothing; quote the message in a ```text block");
        }
        for old in quotes(&text) {
            let words: Vec<_> = clean(old).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            if let Some(line) = words.iter().find(|line| !lines.contains(line.as_str())) {
                let new = indented(&quote(&case, &words));
                complaints.add(&page(&case), format_args!("its case does not show {line:?}; quote it anew:\n\n{new}"));
            }
        }
        if let Some(quote) = quotes(&text).into_iter().find(|quote| !quote.starts_with("error")) {
            complaints.add(&page(&case), format_args!("a quote begins with `error`, and not so: {}", headline(quote)));
        }
    }
    complaints.report();
}

/// A page has a title, and in each section a cause and a cure; a cure is a program that compiles.
#[test]
fn every_page_has_its_parts() {
    let mut complaints = Complaints::default();
    for (case, text) in pages() {
        let mut complain = |complaint: &str| complaints.add(&page(&case), complaint);
        if !text.starts_with("# ") {
            complain("it begins with no title, `# ..`");
        }
        let mut sections: Vec<&str> = text.split("\n## ").collect();
        if sections.len() > 1 {
            sections.remove(0);
        }
        for section in sections {
            let (heading, _) = section.split_once('\n').unwrap_or((section, ""));
            for (part, what) in [
                ("\n**Cause.** ", "why it is refused"),
                ("\n**Cure.** ", "what to write instead"),
                ("\n```rust\n", "the cure as a program"),
                ("\nuse es_core::", "the cure with its imports"),
            ] {
                if !section.contains(part) {
                    complain(&format!("\"{heading}\" has no `{}`: {what}", part.trim()));
                }
            }
        }
        for fence in text.lines().filter(|line| line.len() > 3 && line.starts_with("```")) {
            if !["```text", "```rust"].contains(&fence) {
                complain(&format!(
                    "`{fence}`: quotes are `text`, and what compiles is `rust`, so that the compiler merges it"
                ));
            }
        }
        if !text.lines().next_back().is_some_and(|line| line.contains(&format!("`tests/ui/{case}`"))) {
            complain(&format!("its last line does not name `tests/ui/{case}`"));
        }
    }
    complaints.report();
}

/// The pages that are modules, by UI case, as [`MODULES`] lists them.
fn modules() -> BTreeSet<String> {
    let text = files("es-core/src", ".rs").remove("diagnostics.rs").expect("the modules of the pages");
    let (_, list) = text.split_once("\npages! {").expect("the list of the pages");
    let mut kind = "";
    let mut found = BTreeSet::new();
    for line in list.lines().map(str::trim) {
        if let Some((_, folder)) = line.split_once(" in \"") {
            kind = folder.split('"').next().unwrap_or_default();
        } else if let Some(case) = line.strip_suffix(',') {
            found.insert(format!("{kind}/{case}.rs"));
        }
    }
    found
}

/// Each page is a module, and is found in the index by the first line of each message; and nothing else is.
#[test]
fn every_page_is_listed() {
    let mut complaints = Complaints::default();
    let (pages, modules) = (pages(), modules());
    let index = files("es-core/src/docs", ".md").remove("diagnostics.md").expect("the index");
    let mut entries: BTreeSet<&str> = index.lines().filter(|line| line.starts_with("- ")).collect();
    for (case, text) in &pages {
        let (kind, name) = case.trim_end_matches(".rs").split_once('/').unwrap_or_default();
        if !modules.contains(case) {
            complaints.add(MODULES, format_args!("write `{name},` within `.. in \"{kind}\": {{ .. }}`"));
        }
        for headline in quotes(text).into_iter().map(headline) {
            let entry = entry(case, headline);
            if !index.lines().any(|line| line == entry) {
                complaints.add(INDEX, format_args!("write, below the heading \"`{kind}`: ..\":\n    {entry}"));
            }
            entries.remove(entry.as_str());
        }
    }
    for entry in entries {
        complaints.add(INDEX, format_args!("no page has this message; remove or mend it:\n    {entry}"));
    }
    for case in modules.iter().filter(|case| !pages.contains_key(*case)) {
        complaints.add(MODULES, format_args!("there is no {}", page(case)));
    }
    complaints.report();
}
