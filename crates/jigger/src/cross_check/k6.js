// What k6 does for `jigger cross-check`: one URL again and again, and its own figures as JSON.
import http from "k6/http";

export default function () {
  http.get(__ENV.URL);
}

export function handleSummary(data) {
  return { stdout: JSON.stringify(data.metrics) };
}
