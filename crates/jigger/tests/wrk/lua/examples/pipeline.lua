-- Three requests at a time.
local batch
init = function(args)
    local messages = {}
    messages[1] = wrk.format(nil, "/?first")
    messages[2] = wrk.format(nil, "/?second")
    messages[3] = wrk.format(nil, "/?third")
    batch = table.concat(messages)
end
request = function() return batch end
local left = 6
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
