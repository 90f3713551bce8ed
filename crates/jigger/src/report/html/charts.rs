//! The page's charts as files of their own, for Markdown.

use super::{COLORS, Caveats, sections};
use crate::analysis::Analysis;

/// One chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Its name within the report, fit for a file: `latency-saturation`.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The whole file.
    pub svg: String,
}

/// The charts that stand unfolded in the page, in its order.
pub fn charts(analysis: &Analysis<'_>) -> Vec<Chart> {
    let caveats = Caveats::of(analysis);
    let bodies = sections(analysis, &caveats, false).into_iter().map(|section| section.body.0);
    bodies.flat_map(|body| of_section(&body)).collect()
}

fn of_section(body: &str) -> Vec<Chart> {
    let unfolded =
        body.split("<details").enumerate().map(|(at, part)| match part.split_once("</details>") {
            Some((_, after)) if at > 0 => after,
            _ => part,
        });
    unfolded.flat_map(|part| part.split("<svg ").skip(1)).filter_map(of_element).collect()
}

/// From what follows `<svg ` up to the element's end.
fn of_element(text: &str) -> Option<Chart> {
    let (element, _) = text.split_once("</svg>")?;
    let name = element.strip_prefix("id=\"")?.split_once('"')?.0.to_owned();
    let title = element.split_once("<title")?.1.split_once('>')?.1.split_once("</title>")?.0;
    let (attributes, content) = element.split_once('>')?;
    let svg = format!(
        "<svg {attributes} width=\"720\"><style>{COLORS}\
         svg{{color:var(--text);background:var(--background);\
         font-family:system-ui,\"Liberation Sans\",sans-serif}}\
         svg text{{paint-order:stroke;stroke:var(--background);stroke-width:3px;\
         stroke-linejoin:round}}</style>{content}</svg>\n"
    );
    Some(Chart { name, title: unescaped(title), svg })
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_charts_are_left_out() {
        let chart = |name: &str| {
            format!("<svg id=\"{name}\" role=\"img\"><title id=\"t\">A &lt; b</title><g/></svg>")
        };
        let body = format!(
            "{}<details open><summary>s</summary>{}</details>{}",
            chart("a"),
            chart("b"),
            chart("c")
        );
        let found = of_section(&body);
        let names: Vec<&str> = found.iter().map(|chart| chart.name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(found[0].title, "A < b");
        let svg = &found[0].svg;
        assert!(svg.starts_with("<svg id=\"a\" role=\"img\" width=\"720\"><style>:root{"), "{svg}");
        assert!(svg.contains("</style><title") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
