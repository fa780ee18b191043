//! `{% for %}` and its `loop` object.

use super::args::Args;
use super::eval::Run;
use super::exec::{Blocks, Out};
use super::ir::For;
use super::locals::Locals;
use super::obj::{Native, Obj};
use super::ops;
use super::stop::{Res, Stop};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Runs a loop over `items`, `depth` loops of the same recursive one around it.
pub fn run(
    run: &Run,
    each: &Arc<For>,
    items: &Obj,
    locals: &Rc<Locals>,
    out: &mut Out,
    blocks: &Rc<Blocks>,
    depth: usize,
) -> Res<()> {
    let items = run.located(items.items(), each.iter.at)?;
    let items = filtered(run, each, items, locals)?;
    if items.is_empty() {
        return run.body(&each.otherwise, &Locals::inside(locals), out, blocks);
    }
    let state = Rc::new(State {
        run: run.clone(),
        each: each.clone(),
        items: items.clone(),
        index: Cell::new(0),
        changed: RefCell::new(None),
        locals: locals.clone(),
        blocks: blocks.clone(),
        depth,
    });
    for (index, item) in items.into_iter().enumerate() {
        state.index.set(index);
        let inner = Locals::inside(locals);
        run.located(run.assign(&each.target, item, &inner), each.at)?;
        inner.set(&"loop".into(), Obj::native(Loop(state.clone())));
        match run.body(&each.body, &inner, out, blocks) {
            Err(Stop::Break) => break,
            Ok(()) | Err(Stop::Continue) => {}
            Err(stop) => return Err(stop),
        }
    }
    Ok(())
}

fn filtered(run: &Run, each: &For, items: Vec<Obj>, locals: &Rc<Locals>) -> Res<Vec<Obj>> {
    let Some(filter) = &each.filter else {
        return Ok(items);
    };
    let mut kept = Vec::new();
    for item in items {
        let inner = Locals::inside(locals);
        run.located(run.assign(&each.target, item.clone(), &inner), each.at)?;
        if run.truth(filter, &inner)? {
            kept.push(item);
        }
    }
    Ok(kept)
}

struct State {
    run: Run,
    each: Arc<For>,
    items: Vec<Obj>,
    index: Cell<usize>,
    changed: RefCell<Option<Vec<Obj>>>,
    locals: Rc<Locals>,
    blocks: Rc<Blocks>,
    depth: usize,
}

struct Loop(Rc<State>);

struct LoopMethod(Rc<State>, &'static str);

impl Native for Loop {
    fn type_name(&self) -> &'static str {
        "LoopContext"
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        let (index, len) = (self.0.index.get(), self.0.items.len());
        let beside = |i: Option<usize>, which: &str| {
            i.and_then(|i| self.0.items.get(i).cloned())
                .unwrap_or_else(|| Obj::undefined(format!("there is no {which} item")))
        };
        Ok(Some(match name {
            "index" => (index + 1).into(),
            "index0" => index.into(),
            "revindex" => (len - index).into(),
            "revindex0" => (len - index - 1).into(),
            "first" => (index == 0).into(),
            "last" => (index + 1 == len).into(),
            "length" => len.into(),
            "depth" => (self.0.depth + 1).into(),
            "depth0" => self.0.depth.into(),
            "previtem" => beside(index.checked_sub(1), "previous"),
            "nextitem" => beside(Some(index + 1), "next"),
            "cycle" => Obj::native(LoopMethod(self.0.clone(), "cycle")),
            "changed" => Obj::native(LoopMethod(self.0.clone(), "changed")),
            _ => return Ok(None),
        }))
    }

    fn text(&self) -> String {
        let (index, len) = (self.0.index.get() + 1, self.0.items.len());
        format!("<LoopContext {index}/{len}>")
    }

    fn callable(&self) -> bool {
        true
    }

    fn call(&self, args: Args) -> Res<Obj> {
        let state = &self.0;
        if !state.each.recursive {
            return Err(Stop::fail(
                "The loop must have the 'recursive' marker to be called recursively.",
            ));
        }
        let items = args.input()?;
        let mut out = Out::default();
        run(
            &state.run,
            &state.each,
            items,
            &state.locals,
            &mut out,
            &state.blocks,
            state.depth + 1,
        )?;
        out.captured()
    }
}

impl Native for LoopMethod {
    fn type_name(&self) -> &'static str {
        "method"
    }

    fn callable(&self) -> bool {
        true
    }

    fn call(&self, args: Args) -> Res<Obj> {
        match self.1 {
            "cycle" => {
                if args.pos.is_empty() {
                    return Err(Stop::fail("no items for cycling given"));
                }
                Ok(args.pos[self.0.index.get() % args.pos.len()].clone())
            }
            _ => {
                let last = self.0.changed.replace(Some(args.pos.clone()));
                let Some(last) = last else {
                    return Ok(true.into());
                };
                let (a, b) = (Obj::from(last), Obj::from(args.pos));
                Ok((!ops::equal(&a, &b)?).into())
            }
        }
    }
}
