//! vim25 values and their XML.

use quick_xml::escape::escape;

/// A ManagedObjectReference.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MoRef {
    pub(crate) kind: String,
    pub(crate) id: String,
}

impl MoRef {
    pub(crate) fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
        }
    }
}

/// The value of a property or field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Int(i32),
    Bool(bool),
    /// An xsd:dateTime.
    Time(String),
    /// An enumeration's type and value.
    Word(&'static str, &'static str),
    Ref(MoRef),
    Refs(Vec<MoRef>),
    Data(&'static str, Fields),
    List(&'static str, Vec<Fields>),
    /// A field of type xsd:anyType, which needs an `xsi:type`.
    Any(Box<Self>),
}

/// The fields of a data object in schema order.
pub(crate) type Fields = Vec<(&'static str, Value)>;

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The value at a path such as `runtime.powerState` below this one.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        let Self::Data(_, fields) = self else {
            return None;
        };
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let (_, value) = fields.iter().find(|(name, _)| *name == first)?;
        if rest.is_empty() {
            Some(value)
        } else {
            value.at(rest)
        }
    }

    /// Appends the value as element `tag` with `xsi:type`, as property values need it.
    pub(crate) fn write_typed(&self, tag: &str, xml: &mut String) {
        let kind = match self {
            Self::Text(_) => "xsd:string",
            Self::Int(_) => "xsd:int",
            Self::Bool(_) => "xsd:boolean",
            Self::Time(_) => "xsd:dateTime",
            Self::Word(kind, _) | Self::Data(kind, _) => kind,
            Self::Ref(_) => "ManagedObjectReference",
            Self::Refs(_) => "ArrayOfManagedObjectReference",
            Self::List(kind, _) => return self.write_array(kind, tag, xml),
            Self::Any(value) => return value.write_typed(tag, xml),
        };
        let reference = match self {
            Self::Ref(to) => format!(" type=\"{}\"", escape(&to.kind)),
            _ => String::new(),
        };
        xml.push_str(&format!("<{tag}{reference} xsi:type=\"{kind}\">"));
        match self {
            Self::Refs(list) => list
                .iter()
                .for_each(|to| Self::Ref(to.clone()).write_typed("ManagedObjectReference", xml)),
            _ => self.write_content(xml),
        }
        xml.push_str(&format!("</{tag}>"));
    }

    /// Appends the value as element `tag`, a list as one element per item; without `xsi:type`.
    pub(crate) fn write(&self, tag: &str, xml: &mut String) {
        match self {
            Self::Ref(to) => {
                let (kind, id) = (escape(&to.kind), escape(&to.id));
                xml.push_str(&format!("<{tag} type=\"{kind}\">{id}</{tag}>"));
            }
            Self::Refs(list) => list
                .iter()
                .for_each(|to| Self::Ref(to.clone()).write(tag, xml)),
            Self::List(_, items) => items.iter().for_each(|fields| {
                xml.push_str(&format!("<{tag}>"));
                write_fields(fields, xml);
                xml.push_str(&format!("</{tag}>"));
            }),
            Self::Any(value) => value.write_typed(tag, xml),
            _ => {
                xml.push_str(&format!("<{tag}>"));
                self.write_content(xml);
                xml.push_str(&format!("</{tag}>"));
            }
        }
    }

    fn write_array(&self, kind: &str, tag: &str, xml: &mut String) {
        xml.push_str(&format!("<{tag} xsi:type=\"ArrayOf{kind}\">"));
        self.write(kind, xml);
        xml.push_str(&format!("</{tag}>"));
    }

    fn write_content(&self, xml: &mut String) {
        match self {
            Self::Text(text) | Self::Time(text) => xml.push_str(&escape(text.as_str())),
            Self::Int(number) => xml.push_str(&number.to_string()),
            Self::Bool(truth) => xml.push_str(&truth.to_string()),
            Self::Word(_, word) => xml.push_str(word),
            Self::Ref(to) => xml.push_str(&escape(to.id.as_str())),
            Self::Data(_, fields) => write_fields(fields, xml),
            // Unreachable: `write` and `write_typed` write these as elements of their own.
            Self::Refs(_) | Self::List(..) | Self::Any(_) => {}
        }
    }
}

/// Appends each field as an element.
pub(crate) fn write_fields(fields: &Fields, xml: &mut String) {
    for (name, value) in fields {
        value.write(name, xml);
    }
}

/// A time as xsd:dateTime in UTC with microseconds.
pub(crate) fn date_time(moment: std::time::SystemTime) -> Value {
    let since = moment
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let (year, month, day) = civil(since.as_secs() / 86_400);
    let second = since.as_secs() % 86_400;
    Value::Time(format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_micros()
    ))
}

/// The date of a day since 1970-01-01, by counting years and months.
fn civil(mut day: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

/// An object and its properties that a filter requested.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ObjectContent {
    pub(crate) object: MoRef,
    pub(crate) values: Vec<(String, Value)>,
}

impl ObjectContent {
    pub(crate) fn to_xml(&self) -> String {
        let mut xml = String::new();
        Value::Ref(self.object.clone()).write("obj", &mut xml);
        for (path, value) in &self.values {
            xml.push_str(&format!("<propSet><name>{}</name>", escape(path.as_str())));
            value.write_typed("val", &mut xml);
            xml.push_str("</propSet>");
        }
        xml
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_date_is_written_in_utc() {
        let leap_day = UNIX_EPOCH + Duration::from_secs(951_782_400 + 3_661);
        let expected = Value::Time("2000-02-29T01:01:01.000000Z".into());
        assert_eq!(date_time(leap_day), expected);
        let new_year = Value::Time("1971-01-01T00:00:00.000000Z".into());
        assert_eq!(
            date_time(UNIX_EPOCH + Duration::from_secs(365 * 86_400)),
            new_year
        );
    }

    #[test]
    fn text_is_escaped_and_types_are_named() {
        let mut xml = String::new();
        Value::text("a<&").write_typed("val", &mut xml);
        Value::Refs(vec![MoRef::new("Folder", "f1")]).write_typed("val", &mut xml);
        let expected = concat!(
            r#"<val xsi:type="xsd:string">a&lt;&amp;</val>"#,
            r#"<val xsi:type="ArrayOfManagedObjectReference">"#,
            r#"<ManagedObjectReference type="Folder" xsi:type="ManagedObjectReference">f1"#,
            r#"</ManagedObjectReference></val>"#
        );
        assert_eq!(xml, expected);
    }

    #[test]
    fn a_path_reaches_into_data() {
        let inner = Value::Data("B", vec![("c", Value::Int(3))]);
        let outer = Value::Data("A", vec![("b", inner)]);
        assert_eq!(outer.at("b.c"), Some(&Value::Int(3)));
        assert_eq!(outer.at("b.d"), None);
        assert_eq!(outer.at("b.c.d"), None);
    }
}
