//! From the image of an item to somebody to welcome.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_dynamo::{AttributeValue, from_attribute_value};

use crate::address::{Address, AddressError};
use crate::locale::Locale;
use crate::send::Reason;
use crate::text::greetable;

/// Somebody to welcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Where the mail goes.
    pub address: Address,
    /// Whom it greets, if that is known and is a name.
    pub name: Option<String>,
    /// What it is written in.
    pub locale: &'static Locale,
}

/// Whether somebody is to be welcomed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Confirmed(Subscriber),
    /// Not yet: the address was not confirmed. Says by which attribute.
    Unconfirmed(&'static str),
    /// Never: no mail may go there. Says by which attribute.
    Suppressed(&'static str),
}

/// Why an item is no subscriber. Never repeats an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscriberError {
    /// Nobody to send to.
    #[error("the attribute email is missing")]
    MissingEmail,
    /// An attribute has another DynamoDB type than it should.
    #[error("the attribute {attribute} is {found}, not {expected}")]
    WrongType {
        /// Its name.
        attribute: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// The address cannot be sent to.
    #[error("the attribute email is no address to send to: {0}")]
    Address(#[from] AddressError),
    /// A status that nobody has decided about.
    #[error("the attribute status has the unknown value {0}")]
    UnknownStatus(Reason),
}

impl SubscriberError {
    /// The kind of the rejection.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Address(_) => "invalid-address",
            Self::MissingEmail | Self::WrongType { .. } | Self::UnknownStatus(_) => {
                "invalid-subscriber"
            }
        }
    }
}

impl Subscriber {
    /// Under which the mail is claimed and by which it is tagged: `welcome-` and the address's digest.
    pub fn claim_key(&self) -> String {
        format!("welcome-{}", self.address.digest())
    }
}

impl Standing {
    /// Reads an item's image. What keeps a mail from going out is looked at first: nobody mends the address of somebody
    /// who must not be written to.
    pub fn of(image: &HashMap<String, AttributeValue>) -> Result<Self, SubscriberError> {
        if flag(image, "suppressed")? == Some(true) {
            return Ok(Self::Suppressed("suppressed"));
        }
        let status = text(image, "status")?.map(|status| status.trim().to_lowercase());
        match status.as_deref().unwrap_or_default() {
            "" | "confirmed" | "active" | "subscribed" => {}
            "unconfirmed" | "pending" => return Ok(Self::Unconfirmed("status")),
            "suppressed" | "unsubscribed" | "bounced" | "complained" => {
                return Ok(Self::Suppressed("status"));
            }
            other => return Err(SubscriberError::UnknownStatus(Reason::new(other))),
        }
        if flag(image, "confirmed")? == Some(false) {
            return Ok(Self::Unconfirmed("confirmed"));
        }
        let address = text(image, "email")?
            .ok_or(SubscriberError::MissingEmail)?
            .parse()?;
        Ok(Self::Confirmed(Subscriber {
            address,
            name: text(image, "name")?.as_deref().and_then(greetable),
            locale: Locale::of(text(image, "locale")?.as_deref()),
        }))
    }
}

fn text(
    image: &HashMap<String, AttributeValue>,
    name: &'static str,
) -> Result<Option<String>, SubscriberError> {
    attribute(image, name, "a string (S)")
}

fn flag(
    image: &HashMap<String, AttributeValue>,
    name: &'static str,
) -> Result<Option<bool>, SubscriberError> {
    attribute(image, name, "a boolean (BOOL)")
}

/// One attribute; `None` when it is missing or NULL. Each is read on its own, because serde's error for a whole item says
/// neither which attribute is wrong nor keeps its value to itself.
fn attribute<T: DeserializeOwned>(
    image: &HashMap<String, AttributeValue>,
    attribute: &'static str,
    expected: &'static str,
) -> Result<Option<T>, SubscriberError> {
    let Some(value) = image.get(attribute) else {
        return Ok(None);
    };
    let found = type_of(value);
    from_attribute_value(value.clone()).map_err(|_: serde_dynamo::Error| {
        SubscriberError::WrongType {
            attribute,
            expected,
            found,
        }
    })
}

fn type_of(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::S(_) => "a string (S)",
        AttributeValue::N(_) => "a number (N)",
        AttributeValue::Bool(_) => "a boolean (BOOL)",
        AttributeValue::B(_) => "binary (B)",
        AttributeValue::Null(_) => "null (NULL)",
        AttributeValue::M(_) => "a map (M)",
        AttributeValue::L(_) => "a list (L)",
        AttributeValue::Ss(_) => "a set of strings (SS)",
        AttributeValue::Ns(_) => "a set of numbers (NS)",
        AttributeValue::Bs(_) => "a set of binaries (BS)",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn standing(image: Value) -> Result<Standing, SubscriberError> {
        Standing::of(&serde_json::from_value(image).unwrap())
    }

    fn with(name: &str, value: Value) -> Result<Standing, SubscriberError> {
        let mut image = json!({"email": {"S": "ann@example.com"}});
        image[name] = value;
        standing(image)
    }

    fn subscriber(image: Value) -> Subscriber {
        match standing(image) {
            Ok(Standing::Confirmed(subscriber)) => subscriber,
            other => panic!("not confirmed: {other:?}"),
        }
    }

    #[test]
    fn an_address_is_enough() {
        let subscriber = subscriber(json!({"email": {"S": "ann@example.com"}}));
        assert_eq!(subscriber.address.as_str(), "ann@example.com");
        assert_eq!((subscriber.name, subscriber.locale.tag), (None, "en"));
    }

    #[test]
    fn attributes_that_are_not_known_are_ignored_whatever_their_type() {
        let subscriber = subscriber(json!({
            "email": {"S": "ann@example.com"},
            "name": {"S": "  Ánh "},
            "locale": {"S": "vi_VN"},
            "tags": {"SS": ["a"]},
            "score": {"N": "1"},
            "blob": {"B": "AAEC"},
            "nested": {"M": {"list": {"L": [{"NULL": true}, {"BOOL": false}]}}},
            "numbers": {"NS": ["1"]},
            "blobs": {"BS": ["AA=="]},
        }));
        assert_eq!(
            (subscriber.name.as_deref(), subscriber.locale.tag),
            (Some("Ánh"), "vi")
        );
    }

    #[test]
    fn null_is_as_good_as_missing() {
        for name in ["name", "locale", "status", "confirmed", "suppressed"] {
            assert!(
                matches!(
                    with(name, json!({"NULL": true})),
                    Ok(Standing::Confirmed(_))
                ),
                "{name}"
            );
        }
        assert_eq!(
            standing(json!({"email": {"NULL": true}})),
            Err(SubscriberError::MissingEmail)
        );
        assert_eq!(standing(json!({})), Err(SubscriberError::MissingEmail));
    }

    #[test]
    fn a_status_decides_whether_a_mail_goes_out() {
        for status in ["confirmed", "active", "subscribed", "Active ", ""] {
            assert!(
                matches!(
                    with("status", json!({"S": status})),
                    Ok(Standing::Confirmed(_))
                ),
                "{status}"
            );
        }
        for status in ["unconfirmed", "pending"] {
            assert_eq!(
                with("status", json!({"S": status})),
                Ok(Standing::Unconfirmed("status")),
                "{status}"
            );
        }
        for status in ["suppressed", "unsubscribed", "bounced", "complained"] {
            assert_eq!(
                with("status", json!({"S": status})),
                Ok(Standing::Suppressed("status")),
                "{status}"
            );
        }
        let error = with("status", json!({"S": "vip"})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the attribute status has the unknown value vip"
        );
    }

    #[test]
    fn a_flag_can_only_forbid() {
        let confirmed = |flags: [(&str, bool); 2], status: &str| {
            let mut image = json!({"email": {"S": "ann@example.com"}, "status": {"S": status}});
            for (name, value) in flags {
                image[name] = json!({"BOOL": value});
            }
            standing(image).unwrap()
        };
        assert!(matches!(
            confirmed([("confirmed", true), ("suppressed", false)], "active"),
            Standing::Confirmed(_)
        ));
        assert_eq!(
            confirmed([("confirmed", false), ("suppressed", false)], "active"),
            Standing::Unconfirmed("confirmed")
        );
        assert_eq!(
            confirmed([("confirmed", true), ("suppressed", true)], "active"),
            Standing::Suppressed("suppressed")
        );
        assert_eq!(
            confirmed([("confirmed", true), ("suppressed", false)], "pending"),
            Standing::Unconfirmed("status")
        );
    }

    #[test]
    fn a_wrong_type_is_named_and_its_value_is_not() {
        let error = standing(json!({"email": {"L": [{"S": "ann@example.com"}]}})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the attribute email is a list (L), not a string (S)"
        );
        let error = with("confirmed", json!({"S": "ann@example.com"})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the attribute confirmed is a string (S), not a boolean (BOOL)"
        );
    }

    #[test]
    fn an_error_repeats_no_address() {
        for (name, value) in [
            ("email", "ann smith@example.com"),
            ("status", "ann@example.com"),
        ] {
            let error = with(name, json!({"S": value})).unwrap_err();
            assert!(
                !format!("{error} {error:?}").contains("example.com"),
                "{error}"
            );
        }
    }

    fn value() -> impl Strategy<Value = AttributeValue> {
        let leaf = prop_oneof![
            ".{0,12}".prop_map(AttributeValue::S),
            "(confirmed|pending|a@b.co|vi|true)".prop_map(AttributeValue::S),
            "-?[0-9]{0,4}".prop_map(AttributeValue::N),
            any::<bool>().prop_map(AttributeValue::Bool),
            any::<bool>().prop_map(AttributeValue::Null),
            any::<Vec<u8>>().prop_map(AttributeValue::B),
            any::<Vec<String>>().prop_map(AttributeValue::Ss),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(AttributeValue::L),
                prop::collection::hash_map(".{0,4}", inner, 0..3).prop_map(AttributeValue::M),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_attributes_are_read_without_a_panic(
            image in prop::collection::hash_map("(email|name|locale|status|confirmed|suppressed|.{0,4})", value(), 0..7)
        ) {
            let _ = Standing::of(&image);
        }
    }
}
