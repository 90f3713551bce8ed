-- Each thread goes to one of the addresses that answer.
local found
function setup(thread)
    if not found then
        found = wrk.lookup(wrk.host, wrk.port or "http")
        for at = #found, 1, -1 do
            if not wrk.connect(found[at]) then table.remove(found, at) end
        end
    end
    thread.addr = found[math.random(#found)]
end
function init(args) print("> " .. tostring(wrk.thread.addr):match("^[^:]+")) end
local left = 3
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
