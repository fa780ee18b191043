//! Macros, imported templates, and the blocks that `super()` and `self` reach.

use super::args::Args;
use super::container::Dict;
use super::eval::Run;
use super::exec::{Blocks, Out, block_layer};
use super::ir::Macro;
use super::locals::Locals;
use super::obj::{Native, Obj};
use super::stop::{Res, Stop};
use std::rc::Rc;
use std::sync::Arc;

/// What `caller` is bound to.
pub type Caller = Option<Obj>;

/// A macro with the scope it was defined in.
pub struct MacroObj {
    pub run: Run,
    pub makro: Arc<Macro>,
    pub locals: Rc<Locals>,
    pub blocks: Rc<Blocks>,
    pub caller: Caller,
}

impl MacroObj {
    fn bind(&self, args: Args, inner: &Rc<Locals>) -> Res<()> {
        let Macro {
            name,
            params,
            defaults,
            mentions,
            ..
        } = &*self.makro;
        let mut kw = args.kw;
        let mut take = |wanted: &str| {
            let at = kw.iter().position(|(k, _)| &**k == wanted)?;
            Some(kw.remove(at).1)
        };
        let mut pos = args.pos.into_iter();
        let first_default = params.len() - defaults.len();
        for (i, param) in params.iter().enumerate() {
            let value = match pos.next().or_else(|| take(param)) {
                Some(value) => value,
                None => match i.checked_sub(first_default).and_then(|i| defaults.get(i)) {
                    Some(default) => self.run.eval(default, inner)?,
                    None => Obj::undefined(format!("parameter '{param}' was not provided")),
                },
            };
            inner.set(param, value);
        }
        let caller = take("caller").or_else(|| self.caller.clone());
        if mentions.caller {
            let caller = caller.unwrap_or_else(|| Obj::undefined("No caller defined"));
            inner.set(&"caller".into(), caller);
        } else if caller.is_some() {
            return Err(Stop::fail(format!(
                "macro '{name}' was invoked with two values for the special caller argument"
            )));
        }
        let rest: Vec<Obj> = pos.collect();
        if mentions.varargs {
            inner.set(&"varargs".into(), Obj::tuple(rest));
        } else if !rest.is_empty() {
            return Err(Stop::fail(format!(
                "macro '{name}' takes not more than {} argument(s)",
                params.len()
            )));
        }
        if mentions.kwargs {
            let dict: Dict = kw.into_iter().map(|(k, v)| (k.to_string(), v)).collect();
            inner.set(&"kwargs".into(), dict.into());
        } else if let Some((key, _)) = kw.first() {
            return Err(Stop::fail(format!(
                "macro '{name}' takes no keyword argument '{key}'"
            )));
        }
        Ok(())
    }
}

impl Native for MacroObj {
    fn type_name(&self) -> &'static str {
        "Macro"
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        Ok(match name {
            "name" => Some(self.makro.name.as_ref().into()),
            "arguments" => Some(Obj::tuple(
                self.makro
                    .params
                    .iter()
                    .map(|p| p.as_ref().into())
                    .collect(),
            )),
            "caller" => Some(self.makro.mentions.caller.into()),
            "catch_varargs" => Some(self.makro.mentions.varargs.into()),
            "catch_kwargs" => Some(self.makro.mentions.kwargs.into()),
            _ => None,
        })
    }

    fn callable(&self) -> bool {
        true
    }

    fn call(&self, args: Args) -> Res<Obj> {
        let inner = Locals::inside(&self.locals);
        self.bind(args, &inner)?;
        let mut out = Out::default();
        self.run
            .body(&self.makro.body, &inner, &mut out, &self.blocks)?;
        out.captured()
    }
}

/// An imported template.
pub struct Module {
    pub name: String,
    pub body: String,
    pub names: Vec<(Arc<str>, Obj)>,
}

impl Module {
    /// A name that the template exports.
    pub fn get(&self, name: &str) -> Option<Obj> {
        self.names
            .iter()
            .find(|(n, _)| &**n == name)
            .map(|(_, v)| v.clone())
    }
}

impl Native for Module {
    fn type_name(&self) -> &'static str {
        "TemplateModule"
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        Ok(self.get(name))
    }

    fn text(&self) -> String {
        self.body.clone()
    }
}

/// `super` inside a block.
pub struct Super {
    pub name: Arc<str>,
    pub layer: usize,
    pub locals: Rc<Locals>,
    pub blocks: Rc<Blocks>,
}

impl Native for Super {
    fn type_name(&self) -> &'static str {
        "BlockReference"
    }

    fn callable(&self) -> bool {
        true
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        Ok((name == "super").then(|| {
            Obj::native(Super {
                name: self.name.clone(),
                layer: self.layer + 1,
                locals: self.locals.clone(),
                blocks: self.blocks.clone(),
            })
        }))
    }

    fn call(&self, _args: Args) -> Res<Obj> {
        let mut out = Out::default();
        block_layer(&self.name, self.layer, &self.locals, &mut out, &self.blocks)?;
        out.captured()
    }
}

/// `self` inside a block: the blocks by name.
pub struct SelfBlocks {
    pub locals: Rc<Locals>,
    pub blocks: Rc<Blocks>,
}

impl Native for SelfBlocks {
    fn type_name(&self) -> &'static str {
        "TemplateReference"
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        Ok(self.blocks.contains_key(name).then(|| {
            Obj::native(Super {
                name: name.into(),
                layer: 0,
                locals: self.locals.clone(),
                blocks: self.blocks.clone(),
            })
        }))
    }
}
