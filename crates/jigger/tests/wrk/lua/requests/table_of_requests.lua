-- Requests in a table; the second value is nobody's.
local kinds = {
    { path = "/a", method = "GET", headers = nil, body = nil },
    { path = "/b", method = "POST", headers = { ["Content-Type"] = "text/plain" }, body = "B" },
    { path = "/c?" .. string.format("%q", "quoted"):gsub('"', ""), method = "DELETE" },
}
local at = 0
request = function()
    at = at % #kinds + 1
    local kind = kinds[at]
    return (wrk.format(kind.method, kind.path, kind.headers, kind.body)), at
end
local left = 6
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
