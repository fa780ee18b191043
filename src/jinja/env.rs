//! Variables as a template sees them: rendered when asked for, once per render.

use super::Context;
use super::compile::Mode;
use super::container::{Dict, List, has_template};
use super::engine::Inner;
use super::exec;
use super::ir::Template;
use super::obj::{O, Obj, Sealed};
use super::stop::{Res, Stop, Undef};
use crate::diag::{Diag, Span, nearest};
use crate::modules::RenderOptions;
use crate::value::{Kind, Trust, Value};
use crate::vars::SharedScope;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// How deep variables may refer to others.
const DEPTH: usize = 200;

/// Variables, files and settings of one render.
pub struct Env {
    /// Compiled templates, decryption, places.
    pub engine: Arc<Inner>,
    /// Where variables come from.
    pub scope: SharedScope,
    /// Where files are looked for.
    pub at: Context,
    /// Jinja's settings, for the templates that a template file includes.
    pub options: RefCell<RenderOptions>,
    vars: RefCell<HashMap<String, Option<Obj>>>,
    busy: RefCell<Vec<String>>,
    hosts: RefCell<HashMap<String, Rc<Env>>>,
}

impl Env {
    /// An environment for one render.
    pub fn new(engine: &Arc<Inner>, scope: &SharedScope, at: &Context) -> Rc<Env> {
        Rc::new(Env {
            engine: engine.clone(),
            scope: scope.clone(),
            at: at.clone(),
            options: RefCell::default(),
            vars: RefCell::default(),
            busy: RefCell::default(),
            hosts: RefCell::default(),
        })
    }

    /// The environment of another host.
    pub fn host(self: &Rc<Env>, name: &str) -> Option<Rc<Env>> {
        if let Some(env) = self.hosts.borrow().get(name) {
            return Some(env.clone());
        }
        let env = Env::new(&self.engine, &self.scope.host(name)?, &self.at);
        self.hosts.borrow_mut().insert(name.to_owned(), env.clone());
        Some(env)
    }

    /// A variable, rendered as far as it has to be; `None` if there is none.
    pub fn var(self: &Rc<Env>, name: &str) -> Res<Option<Obj>> {
        if let Some(found) = self.vars.borrow().get(name) {
            return Ok(found.clone());
        }
        let made = match self.scope.get(name) {
            Some(value) => self.guarded(name, &value).map(Some)?,
            None => match name {
                "hostvars" => Some(Dict::hosts(self).into()),
                "vars" => Some(Dict::vars(self).into()),
                "omit" => Some(O::Omit.into()),
                _ => None,
            },
        };
        self.vars.borrow_mut().insert(name.to_owned(), made.clone());
        Ok(made)
    }

    fn guarded(self: &Rc<Env>, name: &str, value: &Value) -> Res<Obj> {
        {
            let mut busy = self.busy.borrow_mut();
            if let Some(first) = busy.iter().position(|b| b == name) {
                let mut chain = busy[first..].to_vec();
                chain.push(name.to_owned());
                let chain = chain.join(" -> ");
                let message = format!("Recursive loop detected in template: {chain}");
                return Err(Stop::Fail(Diag::error("template-recursion", message)).at(value.span));
            }
            if busy.len() >= DEPTH {
                return Err(Stop::fail("variables refer to each other too deeply").at(value.span));
            }
            busy.push(name.to_owned());
        }
        let made = self.realize(value);
        self.busy.borrow_mut().pop();
        made
    }

    /// A value of the user's as an object: templates rendered, containers part by part later.
    pub fn realize(self: &Rc<Env>, value: &Value) -> Res<Obj> {
        let mut obj = match &value.kind {
            Kind::List(items) => O::List(Rc::new(List::lazy(value, items, self))).into(),
            Kind::Map(map) => O::Dict(Rc::new(Dict::lazy(value, map, self))).into(),
            Kind::Str(text) => match text.trust {
                Trust::Plain => O::Str(text.text.clone()).into(),
                Trust::Template => self.render_text(&text.text, value.span)?,
                Trust::Vault => match self.engine.decrypt_text(&text.text, value.span) {
                    Ok(plain) => self.render_text(&plain, Span::NONE)?,
                    Err(why) => O::Sealed(Rc::new(Sealed::closed(text.text.clone(), why))).into(),
                },
            },
            _ => Obj::scalar(value).unwrap_or_else(Obj::none),
        };
        obj.span = obj.span.or(value.span);
        Ok(obj)
    }

    /// A template string as an object. Undefined and unknown ones are values too: `default` may
    /// follow.
    pub fn render_text(self: &Rc<Env>, text: &Arc<str>, span: Span) -> Res<Obj> {
        if !has_template(text) {
            return Ok(O::Str(text.clone()).into());
        }
        let template = self.engine.compiled(text, Mode::Inline, span)?;
        self.run(&template, span)
    }

    /// Runs a compiled template.
    pub fn run(self: &Rc<Env>, template: &Arc<Template>, span: Span) -> Res<Obj> {
        soften(exec::render(self, template, span))
    }

    /// The undefined value of a variable that does not exist.
    pub fn undefined(&self, name: &str, span: Span) -> Obj {
        let names = self.scope.names();
        let help = nearest(name, names.iter().map(String::as_str))
            .map(|near| format!("did you mean {near:?}?"));
        O::Undefined(Rc::new(Undef {
            message: format!("'{name}' is undefined"),
            name: Some(name.into()),
            span,
            help,
        }))
        .into()
    }
}

/// Turns a stop that is a value after all into that value.
pub fn soften(result: Res<Obj>) -> Res<Obj> {
    match result {
        Err(Stop::Unknown(why)) => Ok(Obj::unknown(why)),
        Err(Stop::Undefined(undef)) => Ok(O::Undefined(undef).into()),
        other => other,
    }
}
