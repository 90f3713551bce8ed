//! The HTML and CSV reports as text, from records made by hand.

use std::io::Write as _;

use crate::records::{HOSTILE, drawn_record, page, record, troubled, troubled_page};
use jigger::analysis::{Analysis, latency_curve};
use jigger::metric::Kind;
use jigger::record::{BoundRecord, ContainerRecord, Record, ThresholdRecord};
use jigger::report::{Format, render};

/// The order of the sections is part of what the report is.
const SECTIONS: [&str; 13] = [
    "glance",
    "verdicts",
    "ratios",
    "figures",
    "rounds",
    "latency",
    "costs",
    "start-up",
    "images",
    "caveats",
    "evidence",
    "provenance",
    "reproduce",
];

fn sections(page: &str) -> Vec<&str> {
    let parts = page.split("<section id=\"").skip(1);
    parts.filter_map(|part| Some(part.split_once('"')?.0)).collect()
}

/// The embedded record, as `jigger report` reads it.
fn embedded(page: &str) -> Record {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(page.as_bytes()).unwrap();
    Record::read(file.path()).unwrap()
}

/// What stands on the line after the one that begins the record's element.
fn line_of_record(page: &str) -> &str {
    let mut lines = page.lines();
    lines.by_ref().find(|line| line.contains("<script id=\"record\"")).unwrap();
    lines.next().unwrap()
}

#[test]
fn the_sections_come_in_their_order() {
    assert_eq!(sections(troubled_page()), SECTIONS);
}

#[test]
fn all_but_the_glance_is_folded() {
    let page = troubled_page();
    let folded = page.matches("<details class=\"part\"><summary><h2").count();
    assert_eq!(folded, SECTIONS.len() - 1);
    assert!(!page.contains("<details class=\"part\" open"));
    let glance = section(page, "glance");
    assert!(!glance.contains("<details") && glance.contains("<h2 id=\"glance-heading\">"));
}

#[test]
fn the_glance_has_the_figures_the_rates_the_summary_and_the_caveats() {
    let glance = section(troubled_page(), "glance");
    let places = [
        "<table class=\"best\">",
        "id=\"rates-saturation\"",
        ">Summary<",
        "id=\"glance-caveat-1\"",
    ];
    let places = places.map(|text| glance.find(text).unwrap_or_else(|| panic!("{text}: {glance}")));
    assert!(places.is_sorted(), "{places:?}");
    let rates = glance.split_once("id=\"rates-saturation\"").unwrap().1.split_once("</figure>");
    let (chart, caption) = rates.unwrap().0.split_once("</svg>").unwrap();
    assert!(chart.contains(">1 axum</text>") && chart.contains(">\u{2265} 62,"), "{chart}");
    let gin = chart.split_once(">2 gin</text>").unwrap().1.split_once("</text>").unwrap().0;
    assert!(gin.contains(" to "), "no interval: {gin}");
    assert!(!chart.contains("flask</text>"), "it had errors: {chart}");
    assert!(caption.contains("Limit: client CPU (axum); "), "{caption}");
    assert!(!glance.contains("id=\"rates-steady\""), "its rate is given");
    assert!(glance.contains("1x is the baseline, flask-gunicorn; in parentheses 95 % intervals."));
    let closing = glance.split_once(">connection-close</a>").unwrap().0;
    assert!(closing.ends_with(&format!("href=\"#{}\"", first_of("connection-close"))), "{glance}");
}

/// The place of the first caveat of that code in the list of all.
fn first_of(code: &str) -> &str {
    let list = section(troubled_page(), "caveats");
    let before = list.split_once(&format!("<b class=\"tag\">{code}</b>")).unwrap().0;
    before.rsplit_once("<li id=\"").unwrap().1.split_once('"').unwrap().0
}

#[test]
fn a_failed_threshold_is_in_the_glance() {
    let mut record = record(4, 6);
    record.suite.thresholds.push(ThresholdRecord {
        metric: "saturation.requests_per_second".to_owned(),
        contender: "gin".to_owned(),
        bound: BoundRecord::AtLeast,
        limit: 1e6,
        relative_to: None,
        text: "1000000".to_owned(),
    });
    let page = page(&record);
    let glance = section(&page, "glance");
    assert!(glance.contains("<td>at least 1000000</td>") && glance.contains("<td>fails</td>"));
}

#[test]
fn sections_without_data_are_left_out() {
    let mut record = record(4, 2);
    for contender in &mut record.contenders {
        contender.image = None;
    }
    for visit in &mut record.visits {
        visit.startup_ns = None;
        visit.memory_peak_bytes = None;
    }
    let page = page(&record);
    let left_out = ["costs", "start-up", "images"];
    let found = sections(&page);
    assert!(left_out.iter().all(|section| !found.contains(section)), "{found:?}");
    assert!(page.contains("2 rounds: too few for an interval"));
    assert!(!page.contains("class=\"interval\""));
}

#[test]
fn a_record_without_a_visit_makes_a_page() {
    let mut record = record(2, 0);
    record.visits.clear();
    let page = page(&record);
    assert!(
        sections(&page).ends_with(&["images", "provenance", "reproduce"]),
        "{:?}",
        sections(&page)
    );
}

#[test]
fn hostile_texts_stay_texts() {
    let page = troubled_page();
    assert!(!page.contains(HOSTILE));
    assert!(!page.contains("<img"));
    assert_eq!(page.matches("<script").count(), 1, "the data block is the only one");
    assert!(page.contains("<script id=\"record\" type=\"application/json\">"));
    // The server sent it; so it is shown.
    assert!(page.contains("X-Hostile: &lt;/pre&gt;&lt;/script&gt;"));
}

#[test]
fn nothing_is_loaded() {
    let page = page(&record(4, 6));
    for word in ["src=", "@import", "url(", "href=\"http"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_record_comes_out_of_the_page_as_it_went_in() {
    let record = troubled();
    let text = |record: &Record| serde_json::to_string(record).unwrap();
    assert_eq!(text(&embedded(&page(&record))), text(&record));
    let by_hand: Record = serde_json::from_str(line_of_record(&page(&record))).unwrap();
    assert_eq!(text(&by_hand), text(&record));
}

#[test]
fn a_long_record_is_packed_and_comes_out_as_it_went_in() {
    let record = drawn_record(8, 20, 400);
    let page = page(&record);
    let text = serde_json::to_string(&record).unwrap();
    let packed = line_of_record(&page);
    assert!(packed.len() < text.len() * 9 / 10, "{} of {}", packed.len(), text.len());
    assert!(page.contains("| base64 -d | gunzip &gt; record.json"));
    assert_eq!(serde_json::to_string(&embedded(&page)).unwrap(), text);
}

#[test]
fn a_page_without_its_record_is_refused() {
    let page = page(&record(2, 2)).replace("</script>", "");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), page).unwrap();
    let message = Record::read(file.path()).unwrap_err().to_string();
    assert!(message.contains("the page has no complete record of jigger"), "{message}");
}

#[test]
fn figures_have_their_interval_and_what_touches_them() {
    let page = troubled_page();
    let table = page.split("<caption><span>saturation:").nth(1).unwrap();
    let row = |name: &str| {
        let begin = format!("<th scope=\"row\">{name}");
        let rest = table.split_once(&begin).unwrap().1;
        rest.split_once("</tr>").unwrap().0.to_owned()
    };
    assert!(row("gin").contains("<span class=\"interval\">"));
    assert!(row("axum").contains(">client-limited</a>"));
    assert!(row("axum").contains("\u{2265} "));
    assert!(row("axum").contains("<td>client CPU</td>"));
    assert!(row("flask ").contains(">errors</a>"));
    let flask = row("flask ");
    assert!(flask.contains("</th><td>-</td><td>-</td>"), "neither rate nor ratio: {flask}");
    assert!(row("flask-gunicorn").contains("<td>baseline</td>"));
    assert!(!row("gin").contains("class=\"tag\""), "{}", row("gin"));
}

#[test]
fn every_link_within_the_page_has_its_target() {
    let page = troubled_page();
    for link in page.split("href=\"#").skip(1) {
        let target = link.split_once('"').unwrap().0;
        assert_eq!(page.matches(&format!(" id=\"{target}\"")).count(), 1, "{target}");
    }
}

#[test]
fn a_lost_round_is_shown() {
    let page = troubled_page();
    let strips = page.split("id=\"rounds-saturation\"").nth(1).unwrap();
    let strips = strips.split_once("</svg>").unwrap().0;
    assert_eq!(strips.matches("\u{d7}</text>").count(), 1);
    assert!(strips.contains("gin, round 4: "));
    assert!(!strips.contains("gin, round 5: "));
}

#[test]
fn a_curve_joins_all_rounds_and_ends_where_a_round_has_ten_responses_left() {
    let record = record(4, 6);
    let curve = latency_curve(&record, "gin", "sequential").unwrap();
    assert_eq!(curve.requests, 6 * 300);
    let last = curve.points.last().unwrap().quantile;
    assert!((0.95..=1.0 - 10.0 / 300.0).contains(&last), "{last}");
    assert!(curve.points.is_sorted_by(|a, b| a.response_time_us <= b.response_time_us));
    // The figure in the tables is the mean of the rounds' percentiles; the curve joins the rounds.
    let analysis = Analysis::of(&record);
    let p90 = analysis.contenders[0].summary(Kind::ResponseTimeP90.of("sequential")).unwrap();
    let rounds = || p90.rounds.iter().flatten().copied();
    let point = curve.points.iter().find(|point| (point.quantile - 0.9).abs() < 1e-9).unwrap();
    let (least, most) = (rounds().fold(f64::INFINITY, f64::min), rounds().fold(0.0, f64::max));
    assert!((least..=most).contains(&point.response_time_us), "{point:?} {p90:?}");
    assert!((p90.low.unwrap()..=p90.high.unwrap()).contains(&p90.estimate), "{p90:?}");
    assert!(latency_curve(&troubled(), "flask", "saturation").is_none(), "it had errors");
}

/// What the baseline differs from itself by widens no band.
#[test]
fn the_band_is_the_margin() {
    let record = record(4, 8);
    let analysis = Analysis::of(&record);
    let mut placebo = analysis.placebo.iter().filter(|found| found.metric == Kind::Startup.into());
    assert!(placebo.next().unwrap().half_width.unwrap() > 0.02);
    let page = page(&record);
    assert!(page.contains("Margin \u{b1}2.00 %.") && !page.contains("from the placebo"), "{page}");
}

/// A section of the page.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let begin = format!("<section id=\"{id}\"");
    page.split_once(&begin).unwrap().1.split_once("</section>").unwrap().0
}

#[test]
fn images_are_shown_layer_by_layer_with_the_shared_base_set_apart() {
    let page = page(&record(4, 6));
    let images = section(&page, "images");
    let (chart, rest) = images.split_once("</svg>").unwrap();
    // Two images have the two layers of the base, all four have two own layers that are not empty.
    assert_eq!(chart.matches("fill-opacity=\"0.35\"").count(), 2 * 2);
    assert_eq!(chart.matches("fill-opacity=\"1\"").count(), 4 * 2);
    assert!(chart.contains("flask: 131 MB (11.0 MB not shared)"), "{chart}");
    assert!(
        chart.contains("<title>80.0 MB: RUN apt-get install -y python3 # &lt;base&gt;</title>")
    );
    let of = |name: &str| {
        let begin = format!("<details><summary>{name}: ");
        rest.split_once(&begin).unwrap().1.split_once("</details>").unwrap().0
    };
    assert!(of("flask").starts_with("5 layers, 2 of them shared</summary>"));
    assert!(of("gin").starts_with("3 layers, 0 of them shared</summary>"));
    let base = of("flask").split("<tr>").nth(2).unwrap();
    let cells = "<td>80.0 MB</td><td>26.7 MB</td><td>0 B</td>";
    assert!(base.contains(cells), "{base}");
    assert!(base.contains("usr/local/lib/base/a-part-with-a-long-name-1.so"), "{base}");
    assert!(base.contains("flask-gunicorn</td>"), "{base}");
    assert!(of("flask").contains("<td>1.50 kB</td>") && of("flask").contains("not recorded"));
    assert!(rest.contains("docker says 131040000 B: it adds the targets of symbolic links"));
}

#[test]
fn the_digest_of_every_layer_is_in_the_provenance() {
    let record = record(8, 2);
    let page = page(&record);
    let layers =
        || record.contenders.iter().filter_map(|c| c.image.as_ref()).flat_map(|i| &i.layers);
    assert_eq!(layers().count(), 5 * 5 + 3 * 3);
    for layer in layers() {
        for id in ["images", "provenance"] {
            assert!(section(&page, id).contains(&layer.digest), "{id}: {}", layer.digest);
        }
    }
}

/// Older records have the protocol's name in it.
#[test]
fn a_verified_response_is_shown_with_its_version_of_http() {
    let mut record = record(2, 6);
    for recorded in ["1.1", "HTTP/1.1"] {
        for evidence in record.visits.iter_mut().filter_map(|visit| visit.evidence.as_mut()) {
            evidence.http_version = recorded.to_owned();
        }
        let page = page(&record);
        let responses = section(&page, "evidence");
        assert!(responses.contains("<dd>HTTP/1.1 200</dd>"), "{responses}");
    }
}

#[test]
fn a_contender_that_was_measured_in_both_ways_has_its_image_listed_once() {
    let mut record = record(4, 6);
    record.contenders[1].container = Some(ContainerRecord {
        of: record.contenders[0].name.clone(),
        image: "i".to_owned(),
        engine: "docker".to_owned(),
        network: "host".to_owned(),
        cpus: None,
        memory_bytes: None,
    });
    record.contenders[1].image = record.contenders[0].image.clone();
    let page = page(&record);
    let images = section(&page, "images");
    let provenance = section(&page, "provenance").split_once("<h3>Images</h3>").unwrap().1;
    for (at, times) in [(0, 1), (1, 0), (2, 1)] {
        let name = &record.contenders[at].name;
        let listed = |text: &str, mark: &str| text.matches(&mark.replace('*', name)).count();
        assert_eq!(listed(images, "<th scope=\"row\">*</th>"), times, "{name}: sizes");
        assert_eq!(listed(images, "<summary>*: "), times, "{name}: layers");
        assert_eq!(listed(provenance, "<dt>*</dt>"), times, "{name}: digests");
    }
}

#[test]
fn an_image_without_layers_is_shown_by_its_sums() {
    let mut record = record(2, 6);
    for image in record.contenders.iter_mut().filter_map(|contender| contender.image.as_mut()) {
        image.layers.clear();
        image.engine_note = None;
    }
    let page = page(&record);
    let images = section(&page, "images");
    assert!(images.contains("<title>120 MB: shared layers</title>"), "{images}");
    assert!(images.contains("docker says 131 MB"), "{images}");
    assert!(!images.contains("<details"));
    assert!(!section(&page, "provenance").contains("<h3>Images</h3>"));
}

#[test]
fn eight_contenders_and_thirty_rounds_take_two_megabytes_at_most() {
    let bytes = page(&drawn_record(8, 30, 4_000)).len();
    assert!((500_000..2_000_000).contains(&bytes), "{bytes} bytes");
}

#[test]
fn csv_has_a_line_for_each_contender_metric_and_round() {
    let record = record(4, 6);
    let text = render(&Analysis::of(&record), Format::Csv, false);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("contender,metric,unit,round,value,bound,limit"));
    let rates =
        text.lines().filter(|line| line.starts_with("gin,saturation.requests_per_second,1/s,"));
    assert_eq!(rates.count(), 6);
    assert!(text.contains("\nplacebo,saturation.requests_per_second,1/s,1,"));
    assert!(text.contains("\ngin,image_unpacked_bytes,B,,12500000,,\n"));
    assert!(lines.all(|line| line.split(',').count() == 7));
}

#[test]
fn csv_quotes_names_and_leaves_lost_rounds_empty() {
    let mut record = troubled();
    record.contenders[0].name = "gin, the \"fast\"".to_owned();
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.entry = "gin, the \"fast\"".to_owned();
    }
    let text = render(&Analysis::of(&record), Format::Csv, false);
    let lost = "\"gin, the \"\"fast\"\"\",saturation.requests_per_second,1/s,5,,,server-waits\n";
    assert!(text.contains(lost), "{text}");
}
