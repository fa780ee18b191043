//! Order.

use super::{Family, pick};
use crate::jinja::args::Args;
use crate::jinja::container::key_obj;
use crate::jinja::obj::{O, Obj};
use crate::jinja::ops;
use crate::jinja::stop::{Res, Stop};
use crate::value::order;
use std::cmp::Ordering;

pub const FAMILY: Family = &[
    ("sort", sort),
    ("dictsort", dictsort),
    ("min", |a| extreme(a, Ordering::Less)),
    ("max", |a| extreme(a, Ordering::Greater)),
    ("groupby", groupby),
    ("version_sort", version_sort),
    ("community.general.version_sort", version_sort),
];

/// A stable sort by a key; stops where two keys cannot be compared.
pub fn sorted(items: Vec<Obj>, key: impl Fn(&Obj) -> Res<Obj>, reverse: bool) -> Res<Vec<Obj>> {
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        keyed.push((key(&item)?, item));
    }
    let mut failed = None;
    order::sort_by(&mut keyed, |(a, _), (b, _)| match ops::compare(a, b, "<") {
        Ok(order) => {
            let order = order.unwrap_or(Ordering::Equal);
            if reverse { order.reverse() } else { order }
        }
        Err(stop) => {
            failed.get_or_insert(stop);
            Ordering::Equal
        }
    });
    match failed {
        Some(stop) => Err(stop),
        None => Ok(keyed.into_iter().map(|(_, item)| item).collect()),
    }
}

/// Text without regard to case, other things as they are.
pub fn folded(obj: Obj, case_sensitive: bool) -> Obj {
    match &obj.kind {
        O::Str(s) if !case_sensitive => s.to_lowercase().into(),
        _ => obj,
    }
}

fn sort(args: &Args) -> Res<Obj> {
    let [value, reverse, case, attribute] =
        args.bind(["value", "reverse", "case_sensitive", "attribute"])?;
    let items = value.ok_or_else(|| args.missing("value"))?.items()?;
    let reverse = reverse.map_or(Ok(false), |r| r.truth())?;
    let case = case.map_or(Ok(false), |c| c.truth())?;
    let paths: Vec<Obj> = match attribute.filter(|a| !a.is_none()) {
        Some(path) => match &path.kind {
            O::Str(s) => s.split(',').map(|p| p.trim().into()).collect(),
            _ => vec![path],
        },
        None => Vec::new(),
    };
    let key = |item: &Obj| -> Res<Obj> {
        match &paths[..] {
            [] => Ok(folded(item.clone(), case)),
            [path] => Ok(folded(pick::by_path(item, path)?, case)),
            many => {
                let mut keys = Vec::new();
                for path in many {
                    keys.push(folded(pick::by_path(item, path)?, case));
                }
                Ok(keys.into())
            }
        }
    };
    Ok(sorted(items, key, reverse)?.into())
}

fn dictsort(args: &Args) -> Res<Obj> {
    let [value, case, by, reverse] = args.bind(["value", "case_sensitive", "by", "reverse"])?;
    let dict = value.ok_or_else(|| args.missing("value"))?.dict()?;
    let case = case.map_or(Ok(false), |c| c.truth())?;
    let by = by.map_or(Ok("key".to_owned()), |b| b.text())?;
    let at = match by.as_str() {
        "key" => 0i64,
        "value" => 1,
        _ => return Err(args.fail("You can only sort by either \"key\" or \"value\"")),
    };
    let pairs: Vec<Obj> = dict
        .pairs()?
        .into_iter()
        .map(|(k, v)| Obj::tuple(vec![key_obj(&k), v]))
        .collect();
    let key = |pair: &Obj| Ok(folded(ops::item(pair, &at.into())?, case));
    Ok(sorted(pairs, key, reverse.map_or(Ok(false), |r| r.truth())?)?.into())
}

fn extreme(args: &Args, wanted: Ordering) -> Res<Obj> {
    let [value, case, attribute] = args.bind(["value", "case_sensitive", "attribute"])?;
    let case = case.map_or(Ok(false), |c| c.truth())?;
    let mut best: Option<(Obj, Obj)> = None;
    for item in value.ok_or_else(|| args.missing("value"))?.items()? {
        let key = match attribute.as_ref().filter(|a| !a.is_none()) {
            Some(path) => pick::by_path(&item, path)?,
            None => item.clone(),
        };
        let key = folded(key, case);
        let better = match &best {
            Some((other, _)) => ops::compare(&key, other, "<")? == Some(wanted),
            None => key.use_it().map(|_| true)?,
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(match best {
        Some((_, item)) => item,
        None => Obj::undefined("No aggregated item, sequence was empty."),
    })
}

fn groupby(args: &Args) -> Res<Obj> {
    let [value, attribute, default, case] =
        args.bind(["value", "attribute", "default", "case_sensitive"])?;
    let items = value.ok_or_else(|| args.missing("value"))?.items()?;
    let path = attribute.ok_or_else(|| args.missing("attribute"))?;
    let case = case.map_or(Ok(false), |c| c.truth())?;
    let key = |item: &Obj| -> Res<Obj> {
        let found = pick::by_path(item, &path)?;
        Ok(match (&default, found.is_undefined()) {
            (Some(default), true) => default.clone(),
            _ => found,
        })
    };
    let mut groups: Vec<(Obj, Vec<Obj>)> = Vec::new();
    for item in sorted(items, |i| Ok(folded(key(i)?, case)), false)? {
        let this = key(&item)?;
        let same = match groups.last() {
            Some((last, _)) => {
                ops::equal(&folded(last.clone(), case), &folded(this.clone(), case))?
            }
            None => false,
        };
        match groups.last_mut() {
            Some((_, members)) if same => members.push(item),
            _ => groups.push((this, vec![item])),
        }
    }
    let groups = groups
        .into_iter()
        .map(|(key, members)| Obj::native(Group(key, members.into())));
    Ok(groups.collect::<Vec<_>>().into())
}

/// A pair that also has names for its halves.
struct Group(Obj, Obj);

impl crate::jinja::obj::Native for Group {
    fn type_name(&self) -> &'static str {
        "tuple"
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        Ok(match name {
            "grouper" => Some(self.0.clone()),
            "list" => Some(self.1.clone()),
            _ => None,
        })
    }

    fn items(&self) -> Option<Vec<Obj>> {
        Some(vec![self.0.clone(), self.1.clone()])
    }

    fn text(&self) -> String {
        Obj::tuple(vec![self.0.clone(), self.1.clone()])
            .text()
            .unwrap_or_default()
    }
}

fn version_sort(args: &Args) -> Res<Obj> {
    let [value, reverse] = args.bind(["value", "reverse"])?;
    let mut items = value.ok_or_else(|| args.missing("value"))?.items()?;
    let mut failed: Option<Stop> = None;
    order::sort_by(&mut items, |a, b| match (a.text(), b.text()) {
        (Ok(a), Ok(b)) => crate::jinja::tests::versions::sort_order(&a, &b),
        (Err(stop), _) | (_, Err(stop)) => {
            failed.get_or_insert(stop);
            Ordering::Equal
        }
    });
    if let Some(stop) = failed {
        return Err(stop);
    }
    if reverse.map_or(Ok(false), |r| r.truth())? {
        items.reverse();
    }
    Ok(items.into())
}
