-- Ten responses are enough.
local count = 1
function response()
    if count == 10 then wrk.thread:stop() end
    count = count + 1
end
