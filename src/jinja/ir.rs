//! Compiled templates: minijinja's syntax tree with its names owned, so that it can be shared by
//! threads, and with the filters and tests found.

use super::filters::Filter;
use super::tests::Test;
use crate::value::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// A byte range in the template's text.
#[derive(Clone, Copy, Debug, Default)]
pub struct At {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A compiled template or bare expression.
pub struct Template {
    /// Its text.
    pub text: Arc<str>,
    /// What to execute.
    pub body: Body,
    /// Its blocks by name.
    pub blocks: HashMap<Arc<str>, Arc<Block>>,
    /// Names of filters and tests that do not exist, for `check`.
    pub missing: Vec<Missing>,
}

/// A filter or test that does not exist.
pub struct Missing {
    /// Where it is mentioned.
    pub at: At,
    /// "filter" or "test".
    pub what: &'static str,
    /// Its name.
    pub name: Arc<str>,
}

/// What a template consists of.
pub enum Body {
    /// Statements.
    Stmts(Vec<Stmt>),
    /// A bare expression.
    Expr(Expr),
}

/// A statement.
pub enum Stmt {
    Text(Arc<str>),
    Emit(Expr),
    For(Arc<For>),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    With(Vec<(Target, Expr)>, Vec<Stmt>),
    Set(Target, Expr, At),
    SetBlock(Target, Option<Expr>, Vec<Stmt>, At),
    FilterBlock(Expr, Vec<Stmt>),
    Scope(Vec<Stmt>),
    Block(Arc<Block>, At),
    Extends(Expr, At),
    Include {
        name: Expr,
        ignore_missing: bool,
        context: bool,
        at: At,
    },
    Import {
        name: Expr,
        target: Arc<str>,
        context: bool,
        at: At,
    },
    FromImport {
        name: Expr,
        names: Vec<(Arc<str>, Arc<str>)>,
        context: bool,
        at: At,
    },
    Macro(Arc<Macro>),
    Call(Expr, Arc<Macro>),
    Do(Expr),
    Break,
    Continue,
}

/// A loop.
pub struct For {
    pub target: Target,
    pub iter: Expr,
    pub filter: Option<Expr>,
    pub recursive: bool,
    pub body: Vec<Stmt>,
    pub otherwise: Vec<Stmt>,
    pub at: At,
}

/// A named block.
pub struct Block {
    pub name: Arc<str>,
    pub required: bool,
    pub body: Vec<Stmt>,
}

/// A macro, or the body of a call block (then named `caller`).
pub struct Macro {
    pub name: Arc<str>,
    pub params: Vec<Arc<str>>,
    /// Defaults of the last parameters.
    pub defaults: Vec<Expr>,
    pub body: Vec<Stmt>,
    /// Whether the body mentions `caller`, `varargs` and `kwargs`: only then may a call have them.
    pub mentions: Mentions,
}

/// Which special names a macro's body mentions.
#[derive(Default)]
pub struct Mentions {
    pub caller: bool,
    pub varargs: bool,
    pub kwargs: bool,
}

/// What is assigned to.
pub enum Target {
    Name(Arc<str>),
    Attr(Expr, Arc<str>),
    Many(Vec<Target>),
}

/// An operator that always needs both operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
    Concat,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

/// An expression with its place.
pub struct Expr {
    pub at: At,
    pub kind: E,
}

/// The kinds of expressions.
pub enum E {
    Const(Value),
    /// A string of a condition that itself is a template.
    Embedded(Arc<str>),
    Var(Arc<str>),
    Attr(Box<Expr>, Arc<str>),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Bin(Op, Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Op, Expr)>),
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    /// Without an input only in `{% filter %}` and `{% set %}` blocks.
    Filter(Arc<str>, Option<Filter>, Option<Box<Expr>>, Vec<Arg>),
    Test(Arc<str>, Option<Test>, Box<Expr>, Vec<Arg>),
    Call(Box<Expr>, Vec<Arg>),
    Method(Box<Expr>, Arc<str>, Vec<Arg>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
}

/// An argument of a call.
pub enum Arg {
    Pos(Expr),
    Key(Arc<str>, Expr),
    Splat(Expr),
    KeySplat(Expr),
}
