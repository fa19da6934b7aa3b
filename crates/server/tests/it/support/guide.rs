//! The code blocks of the guides, to be run as printed.

/// The code blocks of a language in a guide, in order.
pub(crate) fn blocks<'a>(guide: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    guide.split(fence.as_str()).skip(1).map(|rest| rest.split_once("```").expect("the block ends").0).collect()
}
