-- Nil without stop.
local paths = { "/a", "/b", "/c" }
function request()
    local path = table.remove(paths)
    return path and wrk.format(nil, path)
end
function done(summary) print("> done " .. summary.requests) end
