//! Conditions: `when`, `until`, `failed_when`, `changed_when`, `that`.

use super::compile::Mode;
use super::container::has_template;
use super::env::Env;
use super::eval::Run;
use super::exec;
use super::ir::Body;
use super::locals::Locals;
use super::obj::{O, Obj};
use super::stop::{Res, Stop};
use crate::diag::{Diag, Span};
use crate::value::{Kind, Trust, Value};
use std::rc::Rc;
use std::sync::Arc;

/// Evaluates a condition.
pub fn evaluate(env: &Rc<Env>, value: &Value) -> Res<bool> {
    match &value.kind {
        Kind::Str(text) if text.trust != Trust::Plain => expression(env, &text.text, value.span),
        Kind::Str(text) if !text.text.is_empty() => Err(untrusted(value.span)),
        Kind::Int(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_)
            if !env.engine.lenient_conditions =>
        {
            Err(broken(
                "Conditional expressions must be strings.",
                value.span,
            ))
        }
        _ => boolean(env, env.realize(value)?, value.span),
    }
}

fn expression(env: &Rc<Env>, text: &Arc<str>, span: Span) -> Res<bool> {
    if text.trim().is_empty() {
        if env.engine.lenient_conditions {
            return Ok(true);
        }
        return Err(broken(
            "Empty conditional expressions are not allowed.",
            span,
        ));
    }
    let trimmed = text.trim();
    let whole = trimmed.starts_with("{{") && trimmed.ends_with("}}");
    if (whole || trimmed.starts_with("{%")) && has_template(text) {
        let template = env.engine.compiled(text, Mode::Inline, span)?;
        let obj = exec::render(env, &template, span)?;
        // A template that gives a text: the text is the expression.
        return match &obj.kind {
            O::Str(inner) if !inner.trim().is_empty() && !has_template(inner) => {
                // Only what the user wrote is evaluated, not what a template put together.
                match !span.is_none() && (obj.span.is_none() || obj.span == span) {
                    true => Err(untrusted(span)),
                    false => bare(env, inner, span),
                }
            }
            _ => boolean(env, obj, span),
        };
    }
    bare(env, text, span)
}

fn bare(env: &Rc<Env>, text: &Arc<str>, span: Span) -> Res<bool> {
    let template =
        env.engine
            .compiled(text, Mode::Bare, span)
            .map_err(|diag| match has_template(text) {
                true => diag.help(
                    "conditions are expressions: write a variable without braces (`a_var == 42`)",
                ),
                false => diag,
            })?;
    let Body::Expr(expr) = &template.body else {
        return Ok(false);
    };
    let run = Run {
        env: env.clone(),
        template: template.clone(),
        span,
        marks: None,
    };
    let locals = Rc::new(Locals::default());
    let value = run.eval(expr, &locals)?;
    if let O::Unknown(..) = value.kind {
        // One known side of `and` and `or` may decide.
        return run.truth(expr, &locals);
    }
    boolean(env, value, span)
}

fn boolean(env: &Env, obj: Obj, span: Span) -> Res<bool> {
    match &obj.use_it()?.kind {
        O::Bool(b) => Ok(*b),
        O::Omit => Err(super::container::omitted().at(span)),
        _ if env.engine.lenient_conditions => obj.truth(),
        _ => {
            let truth = if obj.truth()? { "True" } else { "False" };
            let place = env.engine.absolute_place(obj.span.or(span));
            let place = place.as_deref().unwrap_or("<unknown>");
            Err(broken(
                &format!(
                    "Conditional result ({truth}) was derived from value of type '{}' at \
                     '{place}'. Conditionals must have a boolean result.",
                    obj.type_name()
                ),
                span,
            ))
        }
    }
}

/// Data is never evaluated (observed: ansible-core 2.19.14).
fn untrusted(span: Span) -> Stop {
    broken("Encountered untrusted template or expression.", span)
}

fn broken(message: &str, span: Span) -> Stop {
    Stop::Fail(Diag::error("broken-conditional", message).at(span, ""))
}
