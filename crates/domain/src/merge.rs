//! Merging a guest into a member: what the person chooses, and what becomes of the attributes. Nothing of the guest gives access to
//! the member.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    attributes,
    project::{AttributeRule, MergeRule},
    user::User,
};

/// The name of the standard attributes in the keys of rules.
pub const STANDARD: &str = "standard_attributes";
/// The name of the custom attributes in the keys of rules.
pub const CUSTOM: &str = "custom_attributes";

/// What a person who proved an existing account decided about the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeChoice {
    /// The guest is merged into the member.
    Bring,
    /// The guest stays as it is.
    Leave,
}

/// What a merge did to attributes, kept while the merge can be undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergeRecord {
    /// The guest's standard attributes.
    standard: Map<String, Value>,
    /// The guest's custom attributes.
    custom: Map<String, Value>,
    /// What the member got.
    gains: Vec<Gain>,
}

/// An attribute that a merge changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Gain {
    is_standard: bool,
    name: String,
    /// `None` when the member had none.
    before: Option<Value>,
    after: Value,
}

impl MergeRecord {
    /// What a merge does: the guest, the member before it, and the member after it.
    #[must_use]
    pub fn of(guest: &User, before: &User, after: &User) -> Self {
        let mut gains = Vec::new();
        for (is_standard, old, new) in [
            (true, &before.standard_attributes, &after.standard_attributes),
            (false, &before.custom_attributes, &after.custom_attributes),
        ] {
            let changed = new.iter().filter(|(name, value)| old.get(*name) != Some(*value));
            gains.extend(changed.map(|(name, value)| Gain {
                is_standard,
                name: name.clone(),
                before: old.get(name).cloned(),
                after: value.clone(),
            }));
        }
        Self { standard: guest.standard_attributes.clone(), custom: guest.custom_attributes.clone(), gains }
    }

    /// The guest and the member after the merge is undone. The guest gets what it had, and nothing of the member's. The member loses
    /// what it got, except attributes that changed since.
    #[must_use]
    pub fn undo(&self, guest: User, mut member: User) -> (User, User) {
        for gain in &self.gains {
            let set = if gain.is_standard { &mut member.standard_attributes } else { &mut member.custom_attributes };
            if set.get(&gain.name) != Some(&gain.after) {
                continue;
            }
            match &gain.before {
                Some(before) => set.insert(gain.name.clone(), before.clone()),
                None => set.remove(&gain.name),
            };
        }
        let (standard_attributes, custom_attributes) = (self.standard.clone(), self.custom.clone());
        (User { standard_attributes, custom_attributes, ..guest }, member)
    }
}

/// The rule of an attribute. Without one of its own, a standard attribute stays as the member has it, because the guest may be
/// another person's; a custom attribute fills a gap.
fn rule_of(rules: &[MergeRule], set: &str, name: &str) -> AttributeRule {
    let is_of = |rule: &&MergeRule| {
        rule.key.strip_prefix(set).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| rest == name)
    };
    rules
        .iter()
        .find(is_of)
        .map_or_else(|| if set == STANDARD { AttributeRule::Member } else { AttributeRule::Fill }, |rule| rule.rule)
}

/// Merges the guest's attributes into the member's. A value for which there is no room is left out
/// ([`attributes::MAX_BYTES`]).
///
/// ```
/// use serde_json::json;
/// use vestibule_domain::{id::Id, merge::merge_attributes, project::{AttributeRule, MergeRule}, time::Timestamp, user::User};
///
/// let now = Timestamp::from_seconds(1);
/// let mut member = User::new_member(Id::from_parts(1, [1; 10]), now);
/// let mut guest = User::new_guest(Id::from_parts(2, [2; 10]), now);
/// member.custom_attributes = json!({"theme": "dark", "likes": [1]}).as_object().cloned().unwrap_or_default();
/// guest.custom_attributes = json!({"theme": "light", "likes": [1, 2], "size": 42}).as_object().cloned().unwrap_or_default();
/// let rules = [MergeRule { key: "custom_attributes.likes".into(), rule: AttributeRule::Unite }];
///
/// let merged = merge_attributes(&rules, member, &guest);
/// assert_eq!(serde_json::Value::Object(merged.custom_attributes), json!({"theme": "dark", "likes": [1, 2], "size": 42}));
/// ```
#[must_use]
pub fn merge_attributes(rules: &[MergeRule], mut member: User, guest: &User) -> User {
    merge_set(rules, STANDARD, &mut member.standard_attributes, &guest.standard_attributes);
    merge_set(rules, CUSTOM, &mut member.custom_attributes, &guest.custom_attributes);
    member
}

fn merge_set(rules: &[MergeRule], set: &str, member: &mut Map<String, Value>, guest: &Map<String, Value>) {
    for (name, value) in guest {
        let Some(merged) = merge_value(rule_of(rules, set, name), member.get(name), value) else { continue };
        let before = member.insert(name.clone(), merged);
        if attributes::check_size(member).is_some() {
            match before {
                Some(before) => member.insert(name.clone(), before),
                None => member.remove(name),
            };
        }
    }
}

/// The value of an attribute after a merge; `None` when it stays as the member has it.
fn merge_value(rule: AttributeRule, member: Option<&Value>, guest: &Value) -> Option<Value> {
    match (rule, member, guest) {
        (AttributeRule::Member, _, _) => None,
        (AttributeRule::Fill | AttributeRule::Unite, None, _) => Some(guest.clone()),
        (AttributeRule::Unite, Some(Value::Array(own)), Value::Array(more)) => {
            let mut all = own.clone();
            for item in more {
                if !all.contains(item) {
                    all.push(item.clone());
                }
            }
            Some(Value::Array(all))
        }
        (AttributeRule::Fill | AttributeRule::Unite, Some(_), _) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};
    use serde_json::json;

    use super::*;
    use crate::{id::UserId, time::Timestamp};

    fn user(number: u8, standard: Value, custom: Value) -> User {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        User {
            standard_attributes: object(standard),
            custom_attributes: object(custom),
            ..User::new_guest(UserId::from_parts(1, [number; 10]), Timestamp::from_seconds(1))
        }
    }

    fn rule(key: &str, rule: AttributeRule) -> MergeRule {
        MergeRule { key: key.to_owned(), rule }
    }

    #[test]
    fn what_a_stranger_may_have_entered_is_no_standard_attribute_of_the_member() {
        let member = user(1, json!({"locale": "de"}), json!({}));
        let guest = user(2, json!({"name": "Mallory", "locale": "en"}), json!({"cart": 7}));
        let merged = merge_attributes(&[], member.clone(), &guest);
        assert_eq!(Value::Object(merged.standard_attributes), json!({"locale": "de"}));
        assert_eq!(Value::Object(merged.custom_attributes), json!({"cart": 7}));
        // Declared, it fills a gap, and never replaces anything.
        let rules = [
            rule("standard_attributes.name", AttributeRule::Fill),
            rule("standard_attributes.locale", AttributeRule::Fill),
            rule("custom_attributes.cart", AttributeRule::Member),
        ];
        let merged = merge_attributes(&rules, member, &guest);
        assert_eq!(Value::Object(merged.standard_attributes), json!({"locale": "de", "name": "Mallory"}));
        assert_eq!(Value::Object(merged.custom_attributes), json!({}));
    }

    #[test]
    fn only_lists_are_united() {
        let member = user(1, json!({}), json!({"a": [1, 2], "b": "x", "c": null}));
        let guest = user(2, json!({}), json!({"a": [2, 3, 3], "b": ["y"], "c": [1], "d": [1, 1]}));
        let rules = ["a", "b", "c", "d"].map(|name| rule(&format!("{CUSTOM}.{name}"), AttributeRule::Unite));
        let merged = merge_attributes(&rules, member, &guest);
        let expected = json!({"a": [1, 2, 3], "b": "x", "c": null, "d": [1, 1]});
        assert_eq!(Value::Object(merged.custom_attributes), expected);
    }

    #[test]
    fn what_finds_no_room_is_left_out_and_the_rest_is_not() {
        let member = user(1, json!({}), json!({"own": "x".repeat(5_000), "list": [1]}));
        let guest = user(2, json!({}), json!({"big": "y".repeat(5_000), "list": ["z".repeat(5_000)], "small": 1}));
        let rules = [rule("custom_attributes.list", AttributeRule::Unite)];
        let merged = merge_attributes(&rules, member, &guest).custom_attributes;
        assert_eq!((merged.contains_key("big"), &merged["list"], &merged["small"]), (false, &json!([1]), &json!(1)));
    }

    #[test]
    fn what_the_member_changed_since_the_merge_stays_when_it_is_undone() {
        let member = user(1, json!({}), json!({"own": 1}));
        let guest = user(2, json!({}), json!({"cart": 7, "theme": "dark", "own": 2}));
        let merged = merge_attributes(&[], member.clone(), &guest);
        let record = MergeRecord::of(&guest, &member, &merged);
        let since = user(1, json!({"name": "Kim"}), json!({"own": 1, "cart": 8, "theme": "dark", "new": true}));
        let (freed, left) = record.undo(user(2, json!({}), json!({})), since);
        assert_eq!(freed, guest);
        assert_eq!(Value::Object(left.custom_attributes), json!({"own": 1, "cart": 8, "new": true}));
        assert_eq!(Value::Object(left.standard_attributes), json!({"name": "Kim"}));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<u8>().prop_map(|number| json!(number)),
            "[a-z]{0,900}".prop_map(|text| json!(text)),
            proptest::collection::vec(0u8..4, 0..5).prop_map(|items| json!(items)),
        ]
    }

    fn any_set() -> impl Strategy<Value = Map<String, Value>> {
        btree_map("[a-f]", any_value(), 0..6).prop_map(|members| members.into_iter().collect())
    }

    fn any_rules() -> impl Strategy<Value = Vec<MergeRule>> {
        let one = prop_oneof![Just(AttributeRule::Member), Just(AttributeRule::Fill), Just(AttributeRule::Unite)];
        btree_map("(standard|custom)_attributes\\.[a-f]", one, 0..8)
            .prop_map(|all| all.into_iter().map(|(key, rule)| MergeRule { key, rule }).collect())
    }

    proptest! {
        #[test]
        fn a_merge_takes_nothing_from_the_member_and_once_more_changes_nothing(
            rules in any_rules(), own in any_set(), other in any_set(), own_standard in any_set(), other_standard in any_set(),
        ) {
            let member = user(1, Value::Object(own_standard), Value::Object(own));
            let guest = user(2, Value::Object(other_standard), Value::Object(other));
            let merged = merge_attributes(&rules, member.clone(), &guest);
            for (before, after) in [
                (&member.standard_attributes, &merged.standard_attributes),
                (&member.custom_attributes, &merged.custom_attributes),
            ] {
                prop_assert!(attributes::check_size(after).is_none());
                for (name, value) in before {
                    match (value, &after[name]) {
                        (Value::Array(own), Value::Array(all)) => prop_assert!(all.starts_with(own)),
                        (value, kept) => prop_assert_eq!(value, kept),
                    }
                }
            }
            let new = merged.custom_attributes.keys().all(|name| {
                member.custom_attributes.contains_key(name) || guest.custom_attributes.contains_key(name)
            });
            prop_assert!(new);
            prop_assert_eq!(&merged.id, &member.id);
            prop_assert_eq!(merge_attributes(&rules, merged.clone(), &guest), merged.clone());
            // Undone, both have what they had before.
            let record = MergeRecord::of(&guest, &member, &merged);
            let kept = serde_json::to_string(&record).expect("plain JSON");
            let record: MergeRecord = serde_json::from_str(&kept).expect("its own form");
            let emptied = User { standard_attributes: Map::new(), custom_attributes: Map::new(), ..guest.clone() };
            prop_assert_eq!(record.undo(emptied, merged), (guest, member));
        }
    }
}
