//! Statements: templates at work.

use super::env::Env;
use super::eval::{Run, call, call_method};
use super::ir::{Arg, At, Block, Body, E, Expr, Macro, Stmt, Target, Template};
use super::locals::Locals;
use super::loops;
use super::macros::{Caller, MacroObj, Module};
use super::marks::Marks;
use super::obj::{O, Obj};
use super::stop::{Res, Stop};
use super::{files, filters};
use crate::diag::Span;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// What a template has written: one object as it is, more of them as text.
#[derive(Default)]
pub enum Out {
    #[default]
    Nothing,
    One(Obj),
    Text(String),
    /// An undefined value was written, for this reason; nothing else counts then.
    Undefined(Stop),
}

impl Out {
    /// Writes an object.
    pub fn push(&mut self, obj: Obj) -> Res<()> {
        // `None` beside something else is nothing at all.
        match self {
            Out::Undefined(_) => {}
            Out::One(Obj { kind: O::None, .. }) => *self = Out::One(as_now(obj)?),
            Out::One(_) | Out::Text(_) if obj.is_none() => {}
            Out::Nothing => *self = Out::One(as_now(obj)?),
            Out::One(first) => {
                let mut text = shown(first)?;
                text.push_str(&shown(&obj)?);
                *self = Out::Text(text);
            }
            Out::Text(text) => match &obj.kind {
                O::Str(s) => text.push_str(s),
                _ => text.push_str(&shown(&obj)?),
            },
        }
        Ok(())
    }

    /// The text of all that was written.
    pub fn text(self) -> Res<String> {
        match self {
            Out::Nothing => Ok(String::new()),
            Out::One(obj) => shown(&obj),
            Out::Text(text) => Ok(text),
            Out::Undefined(stop) => Err(stop),
        }
    }

    /// The object, where it is one.
    pub fn object(self) -> Res<Obj> {
        match self {
            Out::Nothing => Ok(Obj::none()),
            Out::One(obj) => Ok(obj),
            Out::Text(text) => Ok(text.into()),
            Out::Undefined(stop) => Err(stop),
        }
    }

    /// What a macro or a block gives to the expression around it: an undefined value is none yet
    /// (observed: ansible-core 2.19.14).
    pub fn captured(self) -> Res<Obj> {
        match self {
            Out::Undefined(Stop::Undefined(undef)) => Ok(O::Undefined(undef).into()),
            out => out.object(),
        }
    }
}

/// A list as it is now: the template may change it after it was written.
fn as_now(obj: Obj) -> Res<Obj> {
    match &obj.kind {
        O::List(list) if list.is_computed() => {
            let mut copy = Obj::from(list.items()?);
            copy.span = obj.span;
            Ok(copy)
        }
        _ => Ok(obj),
    }
}

/// An object inside text: `None` and omitted ones are nothing, tuples look like lists (observed:
/// ansible-core 2.19.14).
fn shown(obj: &Obj) -> Res<String> {
    match &obj.use_it()?.kind {
        O::None | O::Omit => Ok(String::new()),
        O::Str(s) => Ok(s.to_string()),
        O::Native(native) => Ok(native.text()),
        O::List(_) | O::Tuple(_) | O::Dict(_) => {
            let value = obj.to_value()?;
            match value.find_unknown() {
                Some(why) => Err(Stop::Unknown(why.clone())),
                None => Ok(value.to_text()),
            }
        }
        _ => obj.text(),
    }
}

/// Blocks by name, each from the most derived template to the base.
pub type Blocks = HashMap<Arc<str>, Vec<(Run, Arc<Block>)>>;

/// What statements work in.
pub struct Frame {
    /// The blocks that templates extending this one define.
    pub blocks: Rc<Blocks>,
    /// The parent template, once `extends` was seen.
    pub parent: Option<Run>,
}

/// Renders a template with its own names.
pub fn render(env: &Rc<Env>, template: &Arc<Template>, span: Span) -> Res<Obj> {
    let run = Run {
        env: env.clone(),
        template: template.clone(),
        span,
        marks: None,
    };
    rendered(&run)
}

/// The same; undefined values become texts that say so.
pub fn render_marked(
    env: &Rc<Env>,
    template: &Arc<Template>,
    span: Span,
    marks: &Rc<Marks>,
) -> Res<Obj> {
    let run = Run {
        env: env.clone(),
        template: template.clone(),
        span,
        marks: Some(marks.clone()),
    };
    rendered(&run)
}

fn rendered(run: &Run) -> Res<Obj> {
    let template = &run.template;
    let locals = Rc::new(Locals::default());
    match &template.body {
        Body::Expr(expr) => run.eval(expr, &locals),
        Body::Stmts(_) => {
            let mut out = Out::default();
            run.root(&locals, &mut out, Blocks::default())?;
            Ok(with_newlines(&template.text, out.object()?))
        }
    }
}

/// A text ends in at least as many newlines as its template: Jinja drops the last one of a source,
/// which lets `{{ list }}` at the end of a folded scalar stay a list (observed: ansible-core
/// 2.19.14).
pub fn with_newlines(template: &str, obj: Obj) -> Obj {
    let count = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let O::Str(text) = &obj.kind else {
        return obj;
    };
    let missing = count(template).saturating_sub(count(text));
    if missing == 0 {
        return obj;
    }
    Obj {
        kind: O::Str(format!("{text}{}", "\n".repeat(missing)).into()),
        span: obj.span,
    }
}

impl Run {
    /// Executes a whole template, and those it extends.
    pub fn root(&self, locals: &Rc<Locals>, out: &mut Out, mut blocks: Blocks) -> Res<()> {
        let Body::Stmts(stmts) = &self.template.body else {
            return Ok(());
        };
        for (name, block) in &self.template.blocks {
            blocks
                .entry(name.clone())
                .or_default()
                .push((self.clone(), block.clone()));
        }
        let mut frame = Frame {
            blocks: Rc::new(blocks),
            parent: None,
        };
        self.stmts(stmts, locals, out, &mut frame)?;
        match frame.parent {
            Some(parent) => {
                let blocks = Rc::try_unwrap(frame.blocks).unwrap_or_else(|b| (*b).clone());
                parent.root(locals, out, blocks)
            }
            None => Ok(()),
        }
    }

    fn stmts(
        &self,
        stmts: &[Stmt],
        locals: &Rc<Locals>,
        out: &mut Out,
        frame: &mut Frame,
    ) -> Res<()> {
        stmts
            .iter()
            .try_for_each(|stmt| self.stmt(stmt, locals, out, frame))
    }

    /// Executes statements of a body (loop, macro, block) of this template.
    pub fn body(
        &self,
        stmts: &[Stmt],
        locals: &Rc<Locals>,
        out: &mut Out,
        blocks: &Rc<Blocks>,
    ) -> Res<()> {
        let mut frame = Frame {
            blocks: blocks.clone(),
            parent: None,
        };
        self.stmts(stmts, locals, out, &mut frame)
    }

    fn stmt(&self, stmt: &Stmt, locals: &Rc<Locals>, out: &mut Out, frame: &mut Frame) -> Res<()> {
        match stmt {
            Stmt::Text(text) => match frame.parent {
                Some(_) => Ok(()),
                None => out.push(O::Str(text.clone()).into()),
            },
            Stmt::Emit(expr) => {
                let value = self.eval(expr, locals)?;
                match (&frame.parent, &value.kind) {
                    (Some(_), _) => Ok(()),
                    (None, O::Undefined(undef)) if self.marks.is_some() => match &self.marks {
                        Some(marks) => out.push(marks.text(undef)),
                        None => Ok(()),
                    },
                    (None, O::Undefined(undef)) => {
                        let stop = Err(Stop::Undefined(undef.clone()));
                        let stop = self.located::<()>(stop, expr.at);
                        if let (Err(stop), false) = (stop, matches!(out, Out::Undefined(_))) {
                            *out = Out::Undefined(stop);
                        }
                        Ok(())
                    }
                    (None, _) => self.located(out.push(value), expr.at),
                }
            }
            Stmt::If(test, yes, no) => {
                let branch = if self.truth(test, locals)? { yes } else { no };
                self.stmts(branch, locals, out, frame)
            }
            Stmt::For(each) => {
                let items = self.eval(&each.iter, locals)?;
                let mut dropped = Out::default();
                let out = match frame.parent {
                    Some(_) => &mut dropped,
                    None => out,
                };
                loops::run(self, each, &items, locals, out, &frame.blocks, 0)
            }
            Stmt::With(assignments, body) => {
                let inner = Locals::inside(locals);
                for (target, value) in assignments {
                    let value = self.eval(value, &inner)?;
                    self.assign(target, value, &inner)?;
                }
                self.stmts(body, &inner, out, frame)
            }
            Stmt::Scope(body) => self.stmts(body, &Locals::inside(locals), out, frame),
            Stmt::Set(target, value, at) => {
                let value = self.eval(value, locals)?;
                self.located(self.assign(target, value, locals), *at)
            }
            Stmt::SetBlock(target, filter, body, at) => {
                let mut value = self.captured(body, locals, frame)?;
                if let Some(filter) = filter {
                    value = self.filtered(filter, value, locals)?;
                }
                self.located(self.assign(target, value, locals), *at)
            }
            Stmt::FilterBlock(filter, body) => {
                let value = self.captured(body, locals, frame)?;
                out.push(self.filtered(filter, value, locals)?)
            }
            Stmt::Block(block, at) => match frame.parent {
                Some(_) => Ok(()),
                None => self.block(&block.name, *at, locals, out, &frame.blocks),
            },
            Stmt::Extends(name, at) => {
                if frame.parent.is_some() {
                    return self.located(Err(Stop::fail("extended multiple times")), *at);
                }
                let name = self.eval(name, locals)?;
                frame.parent = Some(self.located(files::load(self, &[name]), *at)?);
                Ok(())
            }
            Stmt::Include {
                name,
                ignore_missing,
                context,
                at,
            } => {
                let included = self.include(name, *ignore_missing, *context, locals, out);
                self.located(included, *at)
            }
            Stmt::Import {
                name,
                target,
                context,
                at,
            } => {
                let module = self.located(self.import(name, *context, locals), *at)?;
                locals.set(target, Obj::native(module));
                Ok(())
            }
            Stmt::FromImport {
                name,
                names,
                context,
                at,
            } => {
                let module = self.located(self.import(name, *context, locals), *at)?;
                for (name, alias) in names {
                    let value = module.get(name).unwrap_or_else(|| {
                        Obj::undefined(format!(
                            "the template {:?} does not export the requested name '{name}'",
                            module.name
                        ))
                    });
                    locals.set(alias, value);
                }
                Ok(())
            }
            Stmt::Macro(makro) => {
                let obj = self.macro_obj(makro, locals, None, frame);
                locals.set(&makro.name, obj);
                Ok(())
            }
            Stmt::Call(expr, body) => {
                let caller = self.macro_obj(body, locals, None, frame);
                let result = self.located(self.call_with(expr, caller, locals), expr.at)?;
                out.push(result)
            }
            Stmt::Do(expr) => self.eval(expr, locals).map(|_| ()),
            Stmt::Break => Err(Stop::Break),
            Stmt::Continue => Err(Stop::Continue),
        }
    }

    fn macro_obj(
        &self,
        makro: &Arc<Macro>,
        locals: &Rc<Locals>,
        caller: Caller,
        frame: &Frame,
    ) -> Obj {
        Obj::native(MacroObj {
            run: self.clone(),
            makro: makro.clone(),
            locals: locals.clone(),
            blocks: frame.blocks.clone(),
            caller,
        })
    }

    fn call_with(&self, expr: &Expr, caller: Obj, locals: &Rc<Locals>) -> Res<Obj> {
        let with_caller = |args: &[Arg], name: &str| {
            let mut args = self.args(name, Vec::new(), args, locals)?;
            args.kw.push(("caller".into(), caller.clone()));
            Ok::<_, Stop>(args)
        };
        match &expr.kind {
            E::Call(callee, args) => {
                let callee = self.eval(callee, locals)?;
                callee.use_it()?;
                call(&callee, with_caller(args, "call")?)
            }
            E::Method(base, name, args) => {
                let base = self.eval(base, locals)?;
                base.use_it()?;
                call_method(&base, name, with_caller(args, name)?)
            }
            _ => Ok(Obj::none()),
        }
    }

    /// Assigns to a name, an attribute of a namespace, or several.
    pub fn assign(&self, target: &Target, value: Obj, locals: &Rc<Locals>) -> Res<()> {
        match target {
            Target::Name(name) => {
                locals.set(name, value);
                Ok(())
            }
            Target::Attr(base, name) => match self.eval(base, locals)?.kind {
                O::Native(native) => native.set_attr(name, value),
                _ => Err(Stop::fail(
                    "cannot assign attribute on non-namespace object",
                )),
            },
            Target::Many(targets) => {
                let items = value.items()?;
                if items.len() != targets.len() {
                    let relation = if items.len() < targets.len() {
                        format!(
                            "not enough values to unpack (expected {}, got {})",
                            targets.len(),
                            items.len()
                        )
                    } else {
                        format!("too many values to unpack (expected {})", targets.len())
                    };
                    return Err(Stop::fail(relation));
                }
                targets
                    .iter()
                    .zip(items)
                    .try_for_each(|(target, item)| self.assign(target, item, locals))
            }
        }
    }

    fn captured(&self, body: &[Stmt], locals: &Rc<Locals>, frame: &Frame) -> Res<Obj> {
        let mut out = Out::default();
        self.body(body, &Locals::inside(locals), &mut out, &frame.blocks)?;
        out.captured()
    }

    fn filtered(&self, filter: &Expr, input: Obj, locals: &Rc<Locals>) -> Res<Obj> {
        let E::Filter(name, found, inner, args) = &filter.kind else {
            return Ok(input);
        };
        let input = match inner {
            Some(inner) => self.filtered(inner, input, locals)?,
            None => input,
        };
        let args = self.args(name, vec![input], args, locals)?;
        let result = match found {
            Some(found) => filters::apply(*found, args),
            None => Err(Stop::fail(format!("No filter named '{name}'."))),
        };
        self.located(result, filter.at)
    }

    fn block(
        &self,
        name: &Arc<str>,
        at: At,
        locals: &Rc<Locals>,
        out: &mut Out,
        blocks: &Rc<Blocks>,
    ) -> Res<()> {
        let Some(layers) = blocks.get(name) else {
            return Ok(());
        };
        if layers.iter().all(|(_, b)| b.required) {
            let message = format!("Required block '{name}' not found");
            return self.located(Err(Stop::fail(message)), at);
        }
        block_layer(name, 0, locals, out, blocks)
    }

    fn include(
        &self,
        name: &Expr,
        ignore_missing: bool,
        context: bool,
        locals: &Rc<Locals>,
        out: &mut Out,
    ) -> Res<()> {
        let name = self.eval(name, locals)?;
        let names = match &name.use_it()?.kind {
            O::List(list) | O::Tuple(list) => list.items()?,
            _ => vec![name.clone()],
        };
        let included = match files::load(self, &names) {
            Ok(run) => run,
            Err(Stop::Fail(diag)) if ignore_missing && diag.code == "template-not-found" => {
                return Ok(());
            }
            Err(stop) => return Err(stop),
        };
        let inner = match context {
            true => Locals::inside(locals),
            false => Rc::new(Locals::default()),
        };
        included.root(&inner, out, Blocks::default())
    }

    fn import(&self, name: &Expr, context: bool, locals: &Rc<Locals>) -> Res<Module> {
        let name = self.eval(name, locals)?;
        let imported = files::load(self, std::slice::from_ref(&name))?;
        let inner = match context {
            true => Locals::inside(locals),
            false => Rc::new(Locals::default()),
        };
        let mut out = Out::default();
        imported.root(&inner, &mut out, Blocks::default())?;
        Ok(Module {
            name: name.text()?,
            body: out.text()?,
            names: inner.own(),
        })
    }
}

/// Renders one layer of a block; `super()` in it renders the next.
pub fn block_layer(
    name: &Arc<str>,
    layer: usize,
    locals: &Rc<Locals>,
    out: &mut Out,
    blocks: &Rc<Blocks>,
) -> Res<()> {
    let Some((run, block)) = blocks.get(name).and_then(|layers| layers.get(layer)) else {
        return Err(Stop::fail(format!(
            "there is no parent block called '{name}'."
        )));
    };
    let inner = Locals::inside(locals);
    inner.set(
        &"super".into(),
        Obj::native(super::macros::Super {
            name: name.clone(),
            layer: layer + 1,
            locals: locals.clone(),
            blocks: blocks.clone(),
        }),
    );
    inner.set(
        &"self".into(),
        Obj::native(super::macros::SelfBlocks {
            locals: locals.clone(),
            blocks: blocks.clone(),
        }),
    );
    run.body(&block.body, &inner, out, blocks)
}
