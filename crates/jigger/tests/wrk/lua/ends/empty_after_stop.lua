-- An empty text after stop.
local left = 4
function request()
    left = left - 1
    if left < 0 then wrk.thread:stop() return "" end
    return wrk.format(nil, "/" .. left)
end
function done(summary) print("> done " .. summary.requests) end
