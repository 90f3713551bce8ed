#!/usr/bin/env bash
# Runs the placebo suite RUNS times (20 by default, about 90 s each), each with a different seed, and prints
# the results as Markdown: a row for each run, and how often a difference between the server and itself was
# reported. Further arguments go to `jigger run`: scripts/placebo-table.sh 2 --rounds 6
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

# The metrics that have a column; the last line of the output counts all metrics.
columns='["sequential.requests_per_second", "sequential.response_time_us.p50", "saturation.requests_per_second",
          "saturation.response_time_us.p99", "saturation.cpu_us_per_request", "startup_ms", "memory_peak_bytes"]'

main() {
    local runs=${1:-20}
    [[ $runs =~ ^[1-9][0-9]*$ ]] || fail "'$runs' is no number of runs: scripts/placebo-table.sh [RUNS] [ARGUMENT...]"
    shift || true
    have jq || install_packages jq jq
    cargo build --quiet --release --package jigger --manifest-path "$root/Cargo.toml"
    local folder=$state/placebo run reports=()
    mkdir -p "$folder"
    for ((run = 1; run <= runs; run++)); do
        say "run $run of $runs"
        "$root/target/release/jigger" run placebo --seed "$run" --record "$folder/record-$run.json" --format json \
            --quiet "$@" >"$folder/report-$run.json" || fail "run $run failed: see above"
        reports+=("$folder/report-$run.json")
    done
    say "records and reports are in $folder"
    table "${reports[@]}"
}

# table REPORT...
table() {
    jq --slurp --raw-output --argjson columns "$columns" '
        def rounded: . * 10000 | round / 10000 | tostring;
        def mark: {same: "=", "probably-faster": "~", "probably-slower": "~", "no-difference-shown": ""}[.] // "**\(.)**";
        def cell:
            if . == null then "-"
            elif .withheld != null then "- (\(.withheld))"
            elif .verdict == null then .ratio | rounded
            else "\(.ratio | rounded) (\(.low | rounded) to \(.high | rounded)) \(.verdict | mark)" end;
        def row: "| \(join(" | ")) |";
        def counted($values; $wanted): [$values[] | select(. == $wanted)] | length;
        (["run"] + $columns + ["rounds repeated"] | row),
        (["---:"] + ($columns | map("---")) + ["---:"] | row),
        (to_entries[] | .key as $at | .value as $report
            | ($report.comparisons | INDEX(.metric)) as $by_metric
            | ["\($at + 1)"] + [$columns[] | $by_metric[.] | cell]
              + ["\($report.rounds_repeated)\(if $report.too_noisy then ", too noisy" else "" end)"]
            | row),
        ([.[].comparisons[] | select(.low != null and .high != null)]
            | (map(select(.low > 1 or .high < 1)) | length) as $apart
            | [.[] | select(.verdict != null).verdict] as $verdicts
            | "\n\($verdicts | length) verdicts: \(counted($verdicts; "same")) same (=), "
              + "\(counted($verdicts; "no-difference-shown")) no difference shown, "
              + "\(counted($verdicts; "probably-faster") + counted($verdicts; "probably-slower")) probable (~), "
              + "\(counted($verdicts; "faster")) faster, \(counted($verdicts; "slower")) slower; "
              + "\($apart) of \(length) 95 % intervals do not contain 1.")
    ' "$@"
}

main "$@"
