//! Expressions.

use super::args::Args;
use super::container::{Dict, to_key};
use super::env::{Env, soften};
use super::functions;
use super::ir::{Arg, At, E, Expr, Op, Template};
use super::locals::Locals;
use super::marks::Marks;
use super::obj::{O, Obj};
use super::stop::{Res, Stop};
use super::{filters, methods, ops, tests};
use crate::diag::{Diag, Span};
use std::rc::Rc;
use std::sync::Arc;

/// A template at work.
#[derive(Clone)]
pub struct Run {
    /// Variables.
    pub env: Rc<Env>,
    /// What is executed.
    pub template: Arc<Template>,
    /// Where its text stands.
    pub span: Span,
    /// Undefined values that it writes are marked and not refused.
    pub marks: Option<Rc<Marks>>,
}

impl Run {
    /// The place of a part of the template.
    pub fn place(&self, at: At) -> Span {
        self.env.engine.place(self.span, &self.template.text, at)
    }

    /// Gives an error without a place this one.
    pub fn located<T>(&self, result: Res<T>, at: At) -> Res<T> {
        result.map_err(|stop| match &stop {
            Stop::Fail(diag) if diag.labels.is_empty() => stop.at(self.place(at)),
            Stop::Undefined(undef) if undef.span.is_none() => stop.at(self.place(at)),
            _ => stop,
        })
    }

    /// Evaluates an expression. What depends on an unknown value is unknown, not a stop.
    pub fn eval(&self, expr: &Expr, locals: &Rc<Locals>) -> Res<Obj> {
        match self.located(self.inner(expr, locals), expr.at) {
            Err(Stop::Unknown(why)) => Ok(Obj::unknown(why)),
            other => other,
        }
    }

    /// Whether an expression is true. `and` and `or` may be decided by one known side.
    pub fn truth(&self, expr: &Expr, locals: &Rc<Locals>) -> Res<bool> {
        match &expr.kind {
            E::Not(inner) => Ok(!self.truth(inner, locals)?),
            E::And(a, b) => self.either(a, b, false, locals),
            E::Or(a, b) => self.either(a, b, true, locals),
            _ => {
                let value = self.eval(expr, locals)?;
                self.located(value.truth(), expr.at)
            }
        }
    }

    fn either(&self, a: &Expr, b: &Expr, decides: bool, locals: &Rc<Locals>) -> Res<bool> {
        match self.truth(a, locals) {
            Ok(first) if first == decides => Ok(decides),
            Ok(_) => self.truth(b, locals),
            Err(Stop::Unknown(why)) => match self.truth(b, locals) {
                Ok(second) if second == decides => Ok(decides),
                // The second side may be wrong only because the first would have kept it from
                // being looked at.
                _ => Err(Stop::Unknown(why)),
            },
            Err(stop) => Err(stop),
        }
    }

    fn inner(&self, expr: &Expr, locals: &Rc<Locals>) -> Res<Obj> {
        match &expr.kind {
            E::Const(value) => Ok(Obj::scalar(value).unwrap_or_else(Obj::none).unplaced()),
            E::Embedded(text) => self.env.render_text(text, self.span),
            E::Var(name) => self.var(name, expr.at, locals),
            E::Attr(base, name) => {
                let base = self.eval(base, locals)?;
                Ok(self.placed(ops::attribute(&base, name)?, expr.at))
            }
            E::Item(base, key) => {
                let base = self.eval(base, locals)?;
                let key = self.eval(key, locals)?;
                Ok(self.placed(ops::item(&base, &key)?, expr.at))
            }
            E::Slice(base, bounds) => {
                let base = self.eval(base, locals)?;
                if base.is_undefined() {
                    return Ok(base);
                }
                let mut found = [None; 3];
                for (slot, bound) in found.iter_mut().zip(bounds) {
                    if let Some(bound) = bound {
                        let bound = self.eval(bound, locals)?;
                        if !bound.is_none() {
                            *slot = Some(bound.int()?);
                        }
                    }
                }
                ops::slice(&base, found)
            }
            E::Not(inner) => Ok((!self.truth(inner, locals)?).into()),
            E::Neg(inner) => ops::negate(&self.eval(inner, locals)?),
            E::And(a, b) => {
                let first = self.eval(a, locals)?;
                if first.truth()? {
                    self.eval(b, locals)
                } else {
                    Ok(first)
                }
            }
            E::Or(a, b) => {
                let first = self.eval(a, locals)?;
                if first.truth()? {
                    Ok(first)
                } else {
                    self.eval(b, locals)
                }
            }
            E::Bin(op, a, b) => {
                let (a, b) = (self.eval(a, locals)?, self.eval(b, locals)?);
                ops::binary(*op, &a, &b)
            }
            E::Compare(first, rest) => self.chain(first, rest, locals),
            E::If(test, yes, no) => {
                if self.truth(test, locals)? {
                    return self.eval(yes, locals);
                }
                match no {
                    Some(no) => self.eval(no, locals),
                    None => Ok(functions::no_else()),
                }
            }
            E::Filter(name, found, input, args) => {
                let mut pos = Vec::new();
                if let Some(input) = input {
                    pos.push(self.eval(input, locals)?);
                }
                let Some(found) = found else {
                    return Err(unknown_name("filter", name, filters::names()));
                };
                let args = self.args(name, pos, args, locals)?;
                filters::apply(*found, args)
            }
            E::Test(name, found, input, args) => {
                let pos = vec![self.eval(input, locals)?];
                let Some(found) = found else {
                    return Err(unknown_name("test", name, tests::names()));
                };
                let args = self.args(name, pos, args, locals)?;
                tests::apply(*found, args)
            }
            E::Call(callee, args) => {
                let callee = self.eval(callee, locals)?;
                let args = self.args("call", Vec::new(), args, locals)?;
                call(&callee, args)
            }
            E::Method(base, name, args) => {
                let base = self.eval(base, locals)?;
                let args = self.args(name, Vec::new(), args, locals)?;
                call_method(&base, name, args)
            }
            E::List(items) => Ok(self.all(items, locals)?.into()),
            E::Tuple(items) => Ok(Obj::tuple(self.all(items, locals)?)),
            E::Dict(entries) => {
                let dict = Dict::default();
                for (key, value) in entries {
                    let key = to_key(&self.eval(key, locals)?)?;
                    dict.set(key, self.eval(value, locals)?);
                }
                Ok(dict.into())
            }
        }
    }

    fn all(&self, items: &[Expr], locals: &Rc<Locals>) -> Res<Vec<Obj>> {
        items.iter().map(|e| self.eval(e, locals)).collect()
    }

    fn var(&self, name: &Arc<str>, at: At, locals: &Rc<Locals>) -> Res<Obj> {
        if let Some(found) = locals.get(name) {
            return Ok(found);
        }
        if let Some(found) = self.env.var(name)? {
            return Ok(found);
        }
        Ok(functions::global(name).unwrap_or_else(|| self.env.undefined(name, self.place(at))))
    }

    /// Gives an undefined value its place.
    fn placed(&self, obj: Obj, at: At) -> Obj {
        match &obj.kind {
            O::Undefined(undef) if undef.span.is_none() => {
                let mut undef = (**undef).clone();
                undef.span = self.place(at);
                O::Undefined(Rc::new(undef)).into()
            }
            _ => obj,
        }
    }

    fn chain(&self, first: &Expr, rest: &[(Op, Expr)], locals: &Rc<Locals>) -> Res<Obj> {
        let mut left = self.eval(first, locals)?;
        for (op, right) in rest {
            let right = self.eval(right, locals)?;
            if !ops::binary(*op, &left, &right)?.truth()? {
                return Ok(false.into());
            }
            left = right;
        }
        Ok(true.into())
    }

    /// Evaluates the arguments of a call, after those already there.
    pub fn args(
        &self,
        name: &str,
        mut pos: Vec<Obj>,
        args: &[Arg],
        locals: &Rc<Locals>,
    ) -> Res<Args> {
        let mut kw = Vec::new();
        for arg in args {
            match arg {
                Arg::Pos(e) => pos.push(self.eval(e, locals)?),
                Arg::Key(name, e) => kw.push((name.clone(), self.eval(e, locals)?)),
                Arg::Splat(e) => pos.extend(self.eval(e, locals)?.items()?),
                Arg::KeySplat(e) => {
                    for (key, value) in self.eval(e, locals)?.dict()?.pairs()? {
                        kw.push((key.to_value().to_text().into(), value));
                    }
                }
            }
        }
        Ok(Args {
            name: name.into(),
            pos,
            kw,
            env: self.env.clone(),
        })
    }
}

impl Obj {
    fn unplaced(mut self) -> Obj {
        self.span = Span::NONE;
        self
    }
}

/// Calls an object.
pub fn call(callee: &Obj, args: Args) -> Res<Obj> {
    match &callee.kind {
        O::Undefined(_) => Ok(callee.clone()),
        O::Native(native) => soften(native.call(args)),
        _ => {
            callee.use_it()?;
            Err(Stop::fail(format!(
                "'{}' object is not callable",
                callee.type_name()
            )))
        }
    }
}

/// Calls a method: Python's methods first, then callable attributes.
pub fn call_method(base: &Obj, name: &Arc<str>, args: Args) -> Res<Obj> {
    if methods::has(base, name) {
        return methods::call(base, name, args);
    }
    let callee = ops::attribute(base, name)?;
    call(&callee, args)
}

fn unknown_name(what: &str, name: &str, known: Vec<&'static str>) -> Stop {
    let message = format!("Syntax error in template: No {what} named '{name}'.");
    Stop::Fail(Diag::error("template-syntax", message).did_you_mean(name, known))
}
