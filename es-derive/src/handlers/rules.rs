//! The rules that handlers of events and of commands share.

use syn::{GenericParam, ImplItem, Receiver, ReceiverKind, ReturnType, Safety, Type};

use super::{Block, Handler, Kind, Passing};
use crate::{errors::Errors, messages};

/// All rules of a block that do not depend on what it handles.
pub(crate) fn validate(block: &Block, errors: &mut Errors) {
    is_inherent(block, errors);
    has_no_lifetimes(block, errors);
    has_functions_only(block, errors);
    has_no_namesakes(block, errors);
    for handler in &block.handlers {
        is_plain(block, handler, errors);
        has_no_parameters(block, handler, errors);
        has_a_subject(block, handler, errors);
        takes_the_subject_by_value_or_shared(block, handler, errors);
        if !handler.is_async() || block.kind == Kind::Command {
            takes_the_surroundings_shared(block, handler, errors);
            has_at_most_two_arguments(block, handler, errors);
        }
    }
}

/// Handlers stand in the aggregate's own `impl`, not in that of a trait.
fn is_inherent(block: &Block, errors: &mut Errors) {
    if let Some((path, _)) = &block.item.trait_ {
        errors.on(path, messages::block_of_a_trait(block.kind, block.owner()));
    }
}

/// What has handlers owns what it remembers.
fn has_no_lifetimes(block: &Block, errors: &mut Errors) {
    for lifetime in block.item.generics.lifetimes() {
        errors.on(lifetime, messages::block_with_lifetime());
    }
}

/// Every item is a handler.
fn has_functions_only(block: &Block, errors: &mut Errors) {
    for item in &block.item.items {
        // What could not be read is reported already.
        if !matches!(item, ImplItem::Fn(_) | ImplItem::Verbatim(_)) {
            errors.on(item, messages::block_with_other_item(block.kind));
        }
    }
}

/// No two handlers have one name.
fn has_no_namesakes(block: &Block, errors: &mut Errors) {
    for handler in block.namesakes() {
        errors.at(handler.name().span(), messages::handler_repeated(block.kind, handler.name()));
    }
}

/// A handler is a plain `fn`: not `const`, not `unsafe`, not `extern`; and where commands are decided, not `async`.
fn is_plain(block: &Block, handler: &Handler, errors: &mut Errors) {
    let signature = &handler.signature;
    if let Some(token) = &signature.asyncness
        && block.kind == Kind::Command
    {
        errors.at(token.span, messages::command_handler_async());
    }
    if let Some(token) = &signature.constness {
        errors.at(token.span, messages::handler_modifier(block.kind, "const"));
    }
    match &signature.safety {
        Safety::Unsafe(token) => errors.at(token.span, messages::handler_modifier(block.kind, "unsafe")),
        Safety::Safe(token) => errors.at(token.span, messages::handler_modifier(block.kind, "safe")),
        Safety::Default => {}
    }
    if let Some(abi) = &signature.abi {
        errors.at(abi.extern_token.span, messages::handler_modifier(block.kind, "extern"));
    }
}

/// A handler has no parameters, named or by `impl Trait`; but a command may borrow, and its lifetimes may have names, and a
/// projection may run in every context that has a trait.
fn has_no_parameters(block: &Block, handler: &Handler, errors: &mut Errors) {
    let generics = &handler.signature.generics;
    let is_allowed =
        |parameter: &GenericParam| block.kind == Kind::Command && matches!(parameter, GenericParam::Lifetime(_));
    if !generics.params.iter().all(is_allowed) {
        errors.on(generics, messages::handler_generic(block.kind));
    }
    let context = handler.context().map(std::ptr::from_ref);
    for argument in handler.arguments.iter().filter(|argument| Some(std::ptr::from_ref(*argument)) != context) {
        if let Type::ImplTrait(ty) = &argument.ty {
            errors.on(ty, messages::handler_generic(block.kind));
        }
    }
}

/// A handler takes an event or a command.
fn has_a_subject(block: &Block, handler: &Handler, errors: &mut Errors) {
    if handler.arguments.is_empty() {
        errors.at(handler.name().span(), messages::handler_without_subject(block.kind, handler.name()));
    }
}

/// `E` or `&E`, not `&mut E`.
fn takes_the_subject_by_value_or_shared(block: &Block, handler: &Handler, errors: &mut Errors) {
    if let Some(subject) = handler.subject()
        && subject.passing == Passing::Exclusive
    {
        errors.on(&subject.written, messages::subject_exclusive(block.kind, &subject.ty));
    }
}

/// `&Metadata`, not `Metadata`.
fn takes_the_surroundings_shared(block: &Block, handler: &Handler, errors: &mut Errors) {
    if let Some(surroundings) = handler.surroundings()
        && surroundings.passing != Passing::Shared
    {
        let message = match block.kind {
            Kind::Event => messages::event_handler::given_not_shared(),
            Kind::Command => messages::context_not_shared(),
        };
        errors.on(&surroundings.written, message);
    }
}

/// Nothing comes after the metadata or the context.
fn has_at_most_two_arguments(block: &Block, handler: &Handler, errors: &mut Errors) {
    if let Some(third) = handler.arguments.get(2) {
        errors.on(&third.written, messages::too_many_arguments(block.kind));
    }
    if let Some(variadic) = &handler.signature.variadic {
        errors.on(variadic, messages::too_many_arguments(block.kind));
    }
}

/// Whether it is `&self` (`Shared`), `&mut self` (`Exclusive`) or `self` (`Value`), however it is written; `None` for
/// `self: Box<Self>` and the like.
pub(crate) fn receiver_passing(receiver: &Receiver) -> Option<Passing> {
    match &receiver.kind {
        ReceiverKind::Value => Some(Passing::Value),
        ReceiverKind::Reference(_, _, None) => Some(Passing::Shared),
        ReceiverKind::Reference(_, _, Some(_)) => Some(Passing::Exclusive),
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(reference) if is_self(&reference.elem) => {
                Some(if reference.mutability.is_some() { Passing::Exclusive } else { Passing::Shared })
            }
            ty if is_self(ty) => Some(Passing::Value),
            _ => None,
        },
        _ => None,
    }
}

fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("Self"))
}

/// Whether a function says that it returns nothing, by silence or by `-> ()`.
pub(crate) fn returns_nothing(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty()),
    }
}
