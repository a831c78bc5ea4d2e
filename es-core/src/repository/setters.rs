//! What is said alike about one command and about many.

/// Writes the methods that set metadata. The argument says where it is: `|execute| execute.asked.metadata`.
macro_rules! metadata_setters {
    (|$this:ident| $metadata:expr) => {
        /// Who asks.
        pub fn actor(self, actor: impl Into<String>) -> Self {
            let mut $this = self;
            $metadata.actor = Some(actor.into());
            $this
        }

        /// What the command belongs to, such as a request id.
        pub fn correlation_id(self, id: impl Into<String>) -> Self {
            let mut $this = self;
            $metadata.correlation_id = Some(id.into());
            $this
        }

        /// The event that led to this command. Where its envelope is at hand, [`caused_by`](Self::caused_by) says more.
        pub fn causation_id(self, id: $crate::recorded::EventId) -> Self {
            let mut $this = self;
            $metadata.causation_id = Some(id);
            $this
        }

        /// The event that led to this command: takes its id as causation id, and what it belongs to as correlation id.
        /// Where it belongs to nothing yet, the chain begins with it, and is named by its id.
        pub fn caused_by(self, event: &$crate::recorded::Envelope) -> Self {
            let cause = &event.metadata;
            let correlation = cause.correlation_id.clone().unwrap_or_else(|| cause.event_id.to_string());
            self.causation_id(cause.event_id).correlation_id(correlation)
        }

        /// A further fact to keep with the events.
        pub fn metadata(self, name: impl Into<String>, value: impl Into<String>) -> Self {
            let mut $this = self;
            $metadata.extra.insert(name.into(), value.into());
            $this
        }
    };
}
pub(super) use metadata_setters;
