#![doc = include_str!("docs/diagnostics.md")]

/// A module for each kind of mistake, and in it one for each page: `docs/diagnostics/<kind>/<case>.md`, named as the UI
/// case that shows the message. A case that is named by a keyword would need another name.
macro_rules! pages {
    ($($(#[$about:meta])* $kind:ident in $folder:literal: { $($case:ident,)* })*) => {
        $(
            $(#[$about])*
            pub mod $kind {
                $(
                    #[doc = include_str!(concat!("docs/diagnostics/", $folder, "/", stringify!($case), ".md"))]
                    pub mod $case {}
                )*
            }
        )*
    };
}

pages! {
    /// Mistakes that once led to many messages, and lead to one.
    cascade in "cascade": {
        not_shared,
    }
    /// Commands, and blocks of command handlers.
    command in "command": {
        above_event_handlers,
        context_without_aggregate,
        draft,
        draft_without_metadata,
        modifiers,
        not_a_result,
        outside_the_set,
        receiver,
        references,
        second_argument,
        unhandled,
        without_result,
    }
    /// What does not go together.
    conflict in "conflict": {
        columns,
        or_default,
        reactor_and_projection,
        snapshot_of_a_generic,
        two_roles,
    }
    /// `covers(..)` and `ignore(..)`.
    covers in "covers": {
        an_aggregate,
        ignore_without_covers,
        ignored_and_handled,
        ignored_and_handled_alias,
        ignored_outside,
        missing,
        not_a_set,
        repeated,
    }
    /// What is there twice.
    duplicate in "duplicate": {
        command,
        command_handler,
        event_handler,
        event_handler_alias,
        event_handler_block,
        event_handler_name,
        event_name,
        key,
        read_model_key,
        variant,
    }
    /// Blocks of event handlers.
    handler in "handler": {
        async_and_not,
        by_value,
        dispatch,
        generic,
        missing,
        modifiers,
        no_block,
        not_an_aggregate,
        other_set,
        outside_the_set,
        receiver,
        receiver_shared,
        references,
        returns,
        second_argument,
        shapes,
    }
    /// What is released, by `events.lock`, and has changed.
    lock in "lock": {
        aggregate_renamed,
        attribute_changed,
        container_changed,
        earlier_version,
        event_gone,
        field_added,
        field_gone,
        field_renamed,
        field_skipped,
        of_no_aggregate,
        of_two_aggregates,
        retired_again,
        type_changed,
        version_gone,
    }
    /// A lock that is no text.
    lock_binary in "lock-binary": {
        not_text,
    }
    /// A file that is no lock.
    lock_foreign in "lock-foreign": {
        first_line,
    }
    /// A lock of a newer version of the library.
    lock_newer in "lock-newer": {
        format,
    }
    /// A lock with a line that cannot be read.
    lock_unreadable in "lock-unreadable": {
        line,
    }
    /// Attributes that cannot be read, or say too little.
    malformed in "malformed": {
        aggregate_keys_missing,
        aggregate_without_attribute,
        attribute_without_keys,
        column,
        comma,
        key,
        key_of_event,
        key_of_unknown_name,
        misplaced,
        policy,
        projection_version,
        projection_without_attribute,
        reactor_version,
        read_model_key_missing,
        read_model_no_key,
        read_model_without_attribute,
        shards,
        snapshot,
        snapshot_state,
        table,
        value,
    }
    /// The names under which things are stored.
    name in "name": {
        control_character,
        empty,
        too_long,
        white_space,
    }
    /// The handlers of projections and read models.
    projection in "projection": {
        arguments,
        context_without_lifetime,
        forgotten_async,
        handle,
        key_in_an_aggregate,
        key_of_other_type,
        key_without_text,
        not_a_projection,
        not_async,
        not_derived,
        not_registered,
        not_send,
        one_not_async,
        reactor_context,
        reactor_not_registered,
        receiver,
        returns,
        same_name,
        several_keys,
        several_sets,
        shapes,
        two_contexts,
    }
    /// Stored names of events without a struct.
    retired in "retired": {
        still_there,
        twice,
    }
    /// The shape of ids, events, sets, aggregates, read models and projections.
    shape in "shape": {
        aggregate_lifetime,
        aggregate_union,
        block_items,
        block_not_an_impl,
        block_of_a_trait,
        block_with_lifetime,
        column,
        column_kept,
        event_enum,
        event_generic,
        event_set,
        event_set_empty,
        event_set_generic,
        event_tuple,
        event_union,
        event_unit,
        id,
        id_generic,
        id_inside,
        id_without_derives,
        no_default,
        not_a_read_model,
        not_a_set,
        not_an_aggregate,
        not_an_event,
        not_an_id,
        not_storable,
        projection_generic,
        read_model,
        read_model_generic,
        row_field,
        row_key,
        row_key_column,
        row_key_nullable,
        variant,
    }
    /// Keys that there are not.
    unknown_attribute in "unknown-attribute": {
        keys,
    }
    /// The versions of an event, and how old ones are read.
    version in "version": {
        first_with_previous,
        gap,
        no_conversion,
        oldest,
        oldest_with_previous,
        other_event,
        out_of_range,
        steps,
        superseded,
        two_successors,
        upcast_returns,
        without_previous,
    }
}
