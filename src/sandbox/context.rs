//! One request at work: the state, who asks, when, and the parameters.

use serde_json::{Map, Value};

use super::clock::Millis;
use super::options::Options;
use super::state::{Place, Scope, State};
use super::wire::Refusal;

pub(super) struct Context<'a> {
    pub state: &'a mut State,
    pub scope: Scope,
    pub now: Millis,
    pub options: Options,
    pub body: &'a Map<String, Value>,
}

impl<'a> Context<'a> {
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.body
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a str, Refusal> {
        self.text(key)
            .ok_or_else(|| Refusal::parameter(format!("{key} is required.")))
    }

    pub(super) fn texts(&self, key: &str) -> Vec<&'a str> {
        self.values(key).iter().filter_map(Value::as_str).collect()
    }

    pub(super) fn values(&self, key: &str) -> &'a [Value] {
        self.body
            .get(key)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.body.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn count(&self, key: &str) -> Result<Option<u32>, Refusal> {
        match self.body.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|count| u32::try_from(count).ok())
                .map(Some)
                .ok_or_else(|| {
                    Refusal::parameter(format!("{key} must be a number that is not negative."))
                }),
        }
    }

    pub(super) fn includes(&self, word: &str) -> bool {
        self.texts("include").contains(&word)
    }

    pub(super) fn place(&mut self) -> &mut Place {
        self.state.place_mut(&self.scope)
    }

    /// One page of a list, with the token of the next page.
    pub(super) fn page<T>(
        &self,
        items: Vec<T>,
        default: usize,
        most: usize,
    ) -> Result<(Vec<T>, Option<String>), Refusal> {
        self.page_of("maxResults", items, default, most)
    }

    /// The same where the size of a page goes by another name.
    pub(super) fn page_of<T>(
        &self,
        size: &str,
        items: Vec<T>,
        default: usize,
        most: usize,
    ) -> Result<(Vec<T>, Option<String>), Refusal> {
        let name = size;
        let size = self.count(name)?.map_or(default, |size| size as usize);
        if size == 0 || size > most {
            return Err(Refusal::parameter(format!(
                "{name} must be between 1 and {most}."
            )));
        }
        let start = match self.text("nextToken") {
            None => 0,
            Some(token) => token
                .strip_prefix("page-")
                .and_then(|offset| offset.parse().ok())
                .ok_or_else(|| Refusal::parameter("Invalid token."))?,
        };
        let total = items.len();
        let page: Vec<T> = items.into_iter().skip(start).take(size).collect();
        let next = (start + page.len() < total).then(|| format!("page-{}", start + page.len()));
        Ok((page, next))
    }
}

/// An answer that is a list under a key, with the next page's token if any.
pub(super) fn listed<T: Into<Value>>(key: &str, (items, next): (Vec<T>, Option<String>)) -> Value {
    let mut answer = Map::new();
    answer.insert(key.to_owned(), Value::from(items));
    if let Some(next) = next {
        answer.insert("nextToken".to_owned(), Value::from(next));
    }
    Value::Object(answer)
}
