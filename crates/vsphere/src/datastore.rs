//! Datastore paths, `[datastore] folder/file`, and their URLs below `/folder`.

use std::fmt;

use url::Url;

/// A file on a datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatastorePath {
    datastore: String,
    file: String,
}

/// Why a text names no file on a datastore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoDatastorePath {
    #[error("it does not begin with [datastore]")]
    Datastore,
    #[error("it is longer than any path")]
    TooLong,
    #[error("it has control characters in it")]
    Control,
    #[error("it does not name a file on the datastore")]
    File,
}

impl DatastorePath {
    /// Reads `[datastore] folder/file`. Paths that could leave the datastore are refused, since the file is fetched over HTTP
    /// and deleted.
    pub(crate) fn read(text: &str) -> Result<Self, NoDatastorePath> {
        if text.len() > MAX_PATH {
            return Err(NoDatastorePath::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(NoDatastorePath::Control);
        }
        let rest = text.trim().strip_prefix('[');
        let (datastore, file) = rest
            .and_then(|rest| rest.split_once(']'))
            .filter(|(datastore, _)| !datastore.is_empty())
            .ok_or(NoDatastorePath::Datastore)?;
        let file = file.trim_start();
        let below = |step: &str| !["", ".", ".."].contains(&step);
        if !file.split('/').all(below) {
            return Err(NoDatastorePath::File);
        }
        Ok(Self {
            datastore: datastore.to_owned(),
            file: file.to_owned(),
        })
    }

    /// Whether the name ends in `.png`.
    pub(crate) fn is_png(&self) -> bool {
        let end = self.file.len().checked_sub(PNG.len());
        let end = end.and_then(|at| self.file.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(PNG))
    }

    /// The address of the file beside `/sdk`: `/folder/…?dcPath=…&dsName=…` (`docs/webmks.md` 3.5). Every name is escaped.
    pub(crate) fn url(&self, sdk: &Url, datacenter: &str) -> Url {
        let mut url = sdk.clone();
        url.set_path("/folder");
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(self.file.split('/'));
        }
        url.query_pairs_mut()
            .clear()
            .append_pair("dcPath", datacenter)
            .append_pair("dsName", &self.datastore);
        url
    }
}

impl fmt::Display for DatastorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.datastore, self.file)
    }
}

const PNG: &str = ".png";

/// A name has 80 characters at most and VMFS takes paths of 2048 bytes.
const MAX_PATH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str, datacenter: &str) -> String {
        let sdk = Url::parse("https://192.0.2.1:8443/sdk?x=y").unwrap();
        DatastorePath::read(path)
            .unwrap()
            .url(&sdk, datacenter)
            .to_string()
    }

    #[test]
    fn path_round_trips() {
        for text in ["[ds] vm/vm-1.png", "[a b/ü] x.png", "[ds] a b/ü [1] ].png"] {
            assert_eq!(DatastorePath::read(text).unwrap().to_string(), text);
        }
        let no_space = DatastorePath::read("[ds]vm/vm-1.png").unwrap();
        assert_eq!(no_space.to_string(), "[ds] vm/vm-1.png");
    }

    #[test]
    fn names_are_escaped_in_the_address() {
        assert_eq!(
            url("[ds1] vm08/vm08-1.png", "ha-datacenter"),
            "https://192.0.2.1:8443/folder/vm08/vm08-1.png?dcPath=ha-datacenter&dsName=ds1"
        );
        assert_eq!(
            url("[a&b ü] my vm/50% ü?#+;.png", "F/DC 1&x=y%2fz"),
            "https://192.0.2.1:8443/folder/my%20vm/50%25%20%C3%BC%3F%23+;.png\
             ?dcPath=F%2FDC+1%26x%3Dy%252fz&dsName=a%26b+%C3%BC"
        );
        assert!(url("[ds] a%2fb/x.png", "d").contains("/folder/a%252fb/x.png?"));
    }

    #[test]
    fn path_that_names_no_file_on_a_datastore_is_refused() {
        for (text, why) in [
            ("", NoDatastorePath::Datastore),
            ("vm/vm-1.png", NoDatastorePath::Datastore),
            ("/vmfs/volumes/ds/vm/vm-1.png", NoDatastorePath::Datastore),
            ("[ds vm/vm-1.png", NoDatastorePath::Datastore),
            ("[] vm/vm-1.png", NoDatastorePath::Datastore),
            ("[ds]", NoDatastorePath::File),
            ("[ds] ", NoDatastorePath::File),
            ("[ds] vm/", NoDatastorePath::File),
            ("[ds] /etc/x.png", NoDatastorePath::File),
            ("[ds] vm//x.png", NoDatastorePath::File),
            ("[ds] ../x.png", NoDatastorePath::File),
            ("[ds] vm/../../x.png", NoDatastorePath::File),
            ("[ds] vm/./x.png", NoDatastorePath::File),
            ("[ds] vm/x\r\n.png", NoDatastorePath::Control),
        ] {
            assert_eq!(DatastorePath::read(text), Err(why), "{text:?}");
        }
        let long = format!("[ds] {}.png", "x".repeat(MAX_PATH));
        assert_eq!(DatastorePath::read(&long), Err(NoDatastorePath::TooLong));
    }

    #[test]
    fn png_is_recognized_by_file_name() {
        for (text, is) in [
            ("[ds] vm/a.png", true),
            ("[ds] vm/a.PNG", true),
            ("[ds] vm/a.vmdk", false),
            ("[ds] vm/png", false),
            ("[ds] vm/ü.p漢", false),
        ] {
            assert_eq!(DatastorePath::read(text).unwrap().is_png(), is, "{text:?}");
        }
    }
}
