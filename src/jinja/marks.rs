//! Undefined values that are shown, not refused: names of tasks and `debug: var=x` say in place
//! what is missing (observed: ansible-core 2.19.14).

use super::container::has_template;
use super::env::Env;
use super::obj::{O, Obj};
use super::stop::{Res, Stop, Undef};
use super::{Context, Engine, compile::Mode, exec, to_diag};
use crate::diag::Result;
use crate::value::{Kind, Trust, Value};
use crate::vars::SharedScope;
use std::cell::RefCell;
use std::rc::Rc;

/// What was missing so far.
#[derive(Default)]
pub struct Marks(RefCell<Vec<String>>);

impl Marks {
    /// The text that stands for an undefined value.
    pub fn text(&self, undef: &Undef) -> Obj {
        let mut messages = self.0.borrow_mut();
        messages.push(undef.message.clone());
        let number = messages.len();
        format!("<< error {number} - {} >>", undef.message).into()
    }
}

impl Engine {
    /// Renders a string with what is undefined shown in its place, and says how many such places
    /// there are: a warning.
    ///
    /// # Errors
    /// Anything else that is wrong.
    pub fn render_marked(
        &self,
        value: &Value,
        scope: &SharedScope,
        at: &Context,
    ) -> Result<(Value, Option<String>)> {
        let Kind::Str(text) = &value.kind else {
            return Ok((self.render(value, scope, at)?, None));
        };
        if text.trust != Trust::Template || !has_template(&text.text) {
            return Ok((self.render(value, scope, at)?, None));
        }
        let env = Env::new(&self.inner, scope, at);
        let marks = Rc::new(Marks::default());
        let template = self.inner.compiled(&text.text, Mode::Inline, value.span)?;
        let made = exec::render_marked(&env, &template, value.span, &marks)
            .and_then(|obj| finished(&obj, &marks));
        let made = match made {
            Err(Stop::Unknown(why)) => Value::unknown(why),
            made => made.map_err(|stop| to_diag(stop, value.span, super::TEMPLATE))?,
        };
        let messages = marks.0.borrow();
        Ok((made, warning(&messages)))
    }
}

fn warning(messages: &[String]) -> Option<String> {
    if messages.is_empty() {
        return None;
    }
    let errors = if messages.len() == 1 {
        "error"
    } else {
        "errors"
    };
    let mut text = format!("Encountered {} template {errors}.", messages.len());
    for (number, message) in messages.iter().enumerate() {
        text += &format!("\nerror {} - {message}", number + 1);
    }
    Some(text)
}

/// The finished value; undefined parts are marked.
fn finished(obj: &Obj, marks: &Marks) -> Res<Value> {
    match (&obj.kind, obj.to_value()) {
        (O::Undefined(undef), _) => marks.text(undef).to_value(),
        (O::Omit, _) => Ok(Value::str("<<Omit>>")),
        (O::List(list) | O::Tuple(list), Err(Stop::Undefined(_))) => {
            let items = list.items()?;
            let items: Res<Vec<Value>> = items.iter().map(|item| finished(item, marks)).collect();
            Ok(Value::list(items?))
        }
        (O::Dict(dict), Err(Stop::Undefined(_))) => {
            let mut map = crate::value::Map::new();
            for (key, item) in dict.pairs()? {
                map.insert(key, finished(&item, marks)?);
            }
            Ok(Value::map(map))
        }
        (_, made) => made,
    }
}
