//! From text to a compiled template: minijinja's parser, then [`super::ir`].

use super::ir::{
    Arg, At, Block, Body, E, Expr, For, Macro, Mentions, Missing, Op, Stmt, Target, Template,
};
use super::{filters, mask, tests};
use crate::diag::{Diag, Result};
use crate::modules::RenderOptions;
use crate::value::Value;
use minijinja::machinery::{self, Span, ast};
use minijinja::syntax::SyntaxConfig;
use std::collections::HashMap;
use std::sync::Arc;

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A string in a playbook: backslashes in `{{ '...' }}` stand for themselves.
    Inline,
    /// A template file.
    File,
    /// An expression without braces, as in `when`.
    Bare,
}

/// Jinja's settings for a template.
pub fn syntax(options: &RenderOptions) -> Result<SyntaxConfig> {
    let mut builder = SyntaxConfig::builder();
    builder
        .trim_blocks(options.trim_blocks.unwrap_or(true))
        .lstrip_blocks(options.lstrip_blocks.unwrap_or(false))
        .keep_trailing_newline(false);
    if let Some((open, close)) = &options.block {
        builder.block_delimiters(open.clone(), close.clone());
    }
    if let Some((open, close)) = &options.variable {
        builder.variable_delimiters(open.clone(), close.clone());
    }
    if let Some((open, close)) = &options.comment {
        builder.comment_delimiters(open.clone(), close.clone());
    }
    if let Some(prefix) = &options.line_statement {
        builder.line_statement_prefix(prefix.clone());
    }
    if let Some(prefix) = &options.line_comment {
        builder.line_comment_prefix(prefix.clone());
    }
    builder.build().map_err(|e| {
        Diag::error(
            "template-syntax",
            format!("these template delimiters cannot be used: {e}"),
        )
    })
}

/// Compiles a text. The error's place is a byte range in the text.
pub fn compile(
    text: &Arc<str>,
    mode: Mode,
    syntax: &SyntaxConfig,
) -> std::result::Result<Template, (Box<Diag>, At)> {
    let masked = mask::mask(text, syntax, mode == Mode::Bare);
    let mut lower = Lower {
        text,
        mode,
        quoted: false,
        blocks: HashMap::new(),
        missing: Vec::new(),
    };
    let body = match mode {
        Mode::Bare => machinery::parse_expr(&masked).map(|e| Body::Expr(lower.expr(&e))),
        Mode::Inline | Mode::File => machinery::parse(&masked, "", syntax.clone()).map(|tree| {
            Body::Stmts(match &tree {
                ast::Stmt::Template(t) => lower.stmts(&t.children),
                other => lower.stmt(other).into_iter().collect(),
            })
        }),
    };
    let body = body.map_err(|e| syntax_error(&e, mode))?;
    Ok(Template {
        text: text.clone(),
        body,
        blocks: lower.blocks,
        missing: lower.missing,
    })
}

fn syntax_error(error: &minijinja::Error, mode: Mode) -> (Box<Diag>, At) {
    let what = match mode {
        Mode::Bare => "expression",
        _ => "template",
    };
    let detail = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    let at = error.range().map_or(At::default(), |r| At {
        start: r.start as u32,
        end: r.end as u32,
    });
    let diag = Diag::error(
        "template-syntax",
        format!("Syntax error in {what}: {detail}"),
    );
    (diag, at)
}

struct Lower<'t> {
    text: &'t str,
    mode: Mode,
    /// Inside `{{ }}`, where a playbook's backslashes stand for themselves.
    quoted: bool,
    blocks: HashMap<Arc<str>, Arc<Block>>,
    missing: Vec<Missing>,
}

fn at(span: Span) -> At {
    At {
        start: span.start_offset,
        end: span.end_offset,
    }
}

impl Lower<'_> {
    fn stmts(&mut self, stmts: &[ast::Stmt<'_>]) -> Vec<Stmt> {
        stmts.iter().filter_map(|s| self.stmt(s)).collect()
    }

    fn slice(&self, at: At) -> &str {
        self.text
            .get(at.start as usize..at.end as usize)
            .unwrap_or_default()
    }

    /// minijinja reads `with context` and forgets it.
    fn context(&self, at: At, default: bool) -> bool {
        let text = self.slice(at);
        let tag = text.split(['\n', '%']).next().unwrap_or(text);
        let words: Vec<&str> = tag.split_whitespace().collect();
        words
            .windows(2)
            .find(|w| w[1] == "context" && (w[0] == "with" || w[0] == "without"))
            .map_or(default, |w| w[0] == "with")
    }

    fn stmt(&mut self, stmt: &ast::Stmt<'_>) -> Option<Stmt> {
        Some(match stmt {
            ast::Stmt::Template(s) => Stmt::Scope(self.stmts(&s.children)),
            ast::Stmt::EmitRaw(s) => Stmt::Text(s.raw.into()),
            ast::Stmt::EmitExpr(s) => {
                self.quoted = true;
                let expr = self.expr(&s.expr);
                self.quoted = false;
                Stmt::Emit(expr)
            }
            ast::Stmt::ForLoop(s) => Stmt::For(Arc::new(For {
                target: self.target(&s.target),
                iter: self.expr(&s.iter),
                filter: s.filter_expr.as_ref().map(|e| self.expr(e)),
                recursive: s.recursive,
                body: self.stmts(&s.body),
                otherwise: self.stmts(&s.else_body),
                at: at(s.span()),
            })),
            ast::Stmt::IfCond(s) => Stmt::If(
                self.expr(&s.expr),
                self.stmts(&s.true_body),
                self.stmts(&s.false_body),
            ),
            ast::Stmt::WithBlock(s) => {
                let assignments = s
                    .assignments
                    .iter()
                    .map(|(t, e)| (self.target(t), self.expr(e)))
                    .collect();
                Stmt::With(assignments, self.stmts(&s.body))
            }
            ast::Stmt::Set(s) => {
                Stmt::Set(self.target(&s.target), self.expr(&s.expr), at(s.span()))
            }
            ast::Stmt::SetBlock(s) => Stmt::SetBlock(
                self.target(&s.target),
                s.filter.as_ref().map(|f| self.expr(f)),
                self.stmts(&s.body),
                at(s.span()),
            ),
            ast::Stmt::AutoEscape(s) => Stmt::Scope(self.stmts(&s.body)),
            ast::Stmt::FilterBlock(s) => {
                Stmt::FilterBlock(self.expr(&s.filter), self.stmts(&s.body))
            }
            ast::Stmt::Block(s) => {
                let block = Arc::new(Block {
                    name: s.name.into(),
                    required: s.required,
                    body: self.stmts(&s.body),
                });
                self.blocks.insert(block.name.clone(), block.clone());
                Stmt::Block(block, at(s.span()))
            }
            ast::Stmt::Extends(s) => Stmt::Extends(self.expr(&s.name), at(s.span())),
            ast::Stmt::Include(s) => Stmt::Include {
                name: self.expr(&s.name),
                ignore_missing: s.ignore_missing,
                context: self.context(at(s.span()), true),
                at: at(s.span()),
            },
            ast::Stmt::Import(s) => Stmt::Import {
                name: self.expr(&s.expr),
                target: var_name(&s.name),
                context: self.context(at(s.span()), false),
                at: at(s.span()),
            },
            ast::Stmt::FromImport(s) => Stmt::FromImport {
                name: self.expr(&s.expr),
                names: s
                    .names
                    .iter()
                    .map(|(n, a)| (var_name(n), var_name(a.as_ref().unwrap_or(n))))
                    .collect(),
                context: self.context(at(s.span()), false),
                at: at(s.span()),
            },
            ast::Stmt::Macro(s) => Stmt::Macro(Arc::new(self.makro(s, at(s.span())))),
            ast::Stmt::CallBlock(s) => {
                let call = self.call(&s.call);
                let body = self.makro(&s.macro_decl, at(s.macro_decl.span()));
                Stmt::Call(call, Arc::new(body))
            }
            ast::Stmt::Do(s) => Stmt::Do(self.call(&s.call)),
            ast::Stmt::Break(_) => Stmt::Break,
            ast::Stmt::Continue(_) => Stmt::Continue,
        })
    }

    fn makro(&mut self, m: &ast::Macro<'_>, at: At) -> Macro {
        let text = self.slice(at);
        let mentions = Mentions {
            caller: text.contains("caller"),
            varargs: text.contains("varargs"),
            kwargs: text.contains("kwargs"),
        };
        Macro {
            name: m.name.into(),
            params: m.args.iter().map(var_name).collect(),
            defaults: m.defaults.iter().map(|e| self.expr(e)).collect(),
            body: self.stmts(&m.body),
            mentions,
        }
    }

    fn target(&mut self, expr: &ast::Expr<'_>) -> Target {
        match expr {
            ast::Expr::List(list) => {
                Target::Many(list.items.iter().map(|t| self.target(t)).collect())
            }
            ast::Expr::GetAttr(attr) => Target::Attr(self.expr(&attr.expr), attr.name.into()),
            other => Target::Name(var_name(other)),
        }
    }

    fn boxed(&mut self, expr: &ast::Expr<'_>) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn optional(&mut self, expr: Option<&ast::Expr<'_>>) -> Option<Box<Expr>> {
        expr.map(|e| self.boxed(e))
    }

    fn call(&mut self, call: &ast::Spanned<ast::Call<'_>>) -> Expr {
        let args = self.args(&call.args);
        let kind = match &call.expr {
            ast::Expr::GetAttr(attr) => E::Method(self.boxed(&attr.expr), attr.name.into(), args),
            other => E::Call(self.boxed(other), args),
        };
        Expr {
            at: at(call.span()),
            kind,
        }
    }

    fn args(&mut self, args: &[ast::CallArg<'_>]) -> Vec<Arg> {
        args.iter()
            .map(|arg| match arg {
                ast::CallArg::Pos(e) => Arg::Pos(self.expr(e)),
                ast::CallArg::Kwarg(name, e) => Arg::Key((*name).into(), self.expr(e)),
                ast::CallArg::PosSplat(e) => Arg::Splat(self.expr(e)),
                ast::CallArg::KwargSplat(e) => Arg::KeySplat(self.expr(e)),
            })
            .collect()
    }

    fn expr(&mut self, expr: &ast::Expr<'_>) -> Expr {
        let place = at(expr.span());
        let kind = match expr {
            ast::Expr::Var(v) => E::Var(v.id.into()),
            ast::Expr::Const(c) => self.constant(&c.value, place),
            ast::Expr::Slice(s) => E::Slice(
                self.boxed(&s.expr),
                [
                    self.optional(s.start.as_ref()),
                    self.optional(s.stop.as_ref()),
                    self.optional(s.step.as_ref()),
                ],
            ),
            ast::Expr::UnaryOp(u) => match u.op {
                ast::UnaryOpKind::Not => E::Not(self.boxed(&u.expr)),
                ast::UnaryOpKind::Neg => E::Neg(self.boxed(&u.expr)),
            },
            ast::Expr::BinOp(b) => {
                let (left, right) = (self.boxed(&b.left), self.boxed(&b.right));
                match b.op {
                    ast::BinOpKind::ScAnd => E::And(left, right),
                    ast::BinOpKind::ScOr => E::Or(left, right),
                    op => E::Bin(binary(op), left, right),
                }
            }
            ast::Expr::Compare(c) => E::Compare(
                self.boxed(&c.expr),
                c.ops
                    .iter()
                    .map(|o| (comparison(o.op), self.expr(&o.expr)))
                    .collect(),
            ),
            ast::Expr::IfExpr(i) => E::If(
                self.boxed(&i.test_expr),
                self.boxed(&i.true_expr),
                self.optional(i.false_expr.as_ref()),
            ),
            ast::Expr::Filter(f) => {
                let found = filters::find(f.name);
                if found.is_none() {
                    self.missing("filter", f.name, place);
                }
                let input = self.optional(f.expr.as_ref());
                E::Filter(f.name.into(), found, input, self.args(&f.args))
            }
            ast::Expr::Test(t) => {
                let found = tests::find(t.name);
                if found.is_none() {
                    self.missing("test", t.name, place);
                }
                E::Test(
                    t.name.into(),
                    found,
                    self.boxed(&t.expr),
                    self.args(&t.args),
                )
            }
            ast::Expr::GetAttr(g) => E::Attr(self.boxed(&g.expr), g.name.into()),
            ast::Expr::GetItem(g) => E::Item(self.boxed(&g.expr), self.boxed(&g.subscript_expr)),
            ast::Expr::Call(c) => return self.call(c),
            ast::Expr::List(l) => E::List(l.items.iter().map(|e| self.expr(e)).collect()),
            ast::Expr::Tuple(t) => E::Tuple(t.items.iter().map(|e| self.expr(e)).collect()),
            ast::Expr::Map(m) => E::Dict(
                m.keys
                    .iter()
                    .zip(&m.values)
                    .map(|(k, v)| (self.expr(k), self.expr(v)))
                    .collect(),
            ),
        };
        Expr { at: place, kind }
    }

    fn missing(&mut self, what: &'static str, name: &str, at: At) {
        self.missing.push(Missing {
            at,
            what,
            name: name.into(),
        });
    }

    fn constant(&self, value: &minijinja::Value, at: At) -> E {
        use minijinja::value::ValueKind;
        E::Const(match value.kind() {
            ValueKind::Bool => Value::from(value.is_true()),
            ValueKind::String => {
                let verbatim = self.mode == Mode::Inline && self.quoted;
                let text = mask::unquote(self.slice(at), verbatim);
                if self.mode == Mode::Bare && super::container::has_template(&text) {
                    return E::Embedded(text.into());
                }
                Value::str(text)
            }
            ValueKind::Number => match i64::try_from(value.clone()) {
                Ok(int) if value.is_integer() => Value::from(int),
                _ => Value::from(f64::try_from(value.clone()).unwrap_or(f64::NAN)),
            },
            _ => Value::null(),
        })
    }
}

fn var_name(expr: &ast::Expr<'_>) -> Arc<str> {
    match expr {
        ast::Expr::Var(v) => v.id.into(),
        _ => "".into(),
    }
}

fn binary(op: ast::BinOpKind) -> Op {
    match op {
        ast::BinOpKind::Eq => Op::Eq,
        ast::BinOpKind::Ne => Op::Ne,
        ast::BinOpKind::Lt => Op::Lt,
        ast::BinOpKind::Lte => Op::Le,
        ast::BinOpKind::Gt => Op::Gt,
        ast::BinOpKind::Gte => Op::Ge,
        ast::BinOpKind::Add => Op::Add,
        ast::BinOpKind::Sub => Op::Sub,
        ast::BinOpKind::Mul => Op::Mul,
        ast::BinOpKind::Div => Op::Div,
        ast::BinOpKind::FloorDiv => Op::FloorDiv,
        ast::BinOpKind::Rem => Op::Rem,
        ast::BinOpKind::Pow => Op::Pow,
        ast::BinOpKind::Concat => Op::Concat,
        ast::BinOpKind::In | ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr => Op::In,
    }
}

fn comparison(op: ast::CompareOpKind) -> Op {
    match op {
        ast::CompareOpKind::Eq => Op::Eq,
        ast::CompareOpKind::Ne => Op::Ne,
        ast::CompareOpKind::Lt => Op::Lt,
        ast::CompareOpKind::Lte => Op::Le,
        ast::CompareOpKind::Gt => Op::Gt,
        ast::CompareOpKind::Gte => Op::Ge,
        ast::CompareOpKind::In => Op::In,
        ast::CompareOpKind::NotIn => Op::NotIn,
    }
}
