-- Another path and header each time.
local count = 0
request = function()
    local path = "/" .. count
    wrk.headers["X-Counter"] = count
    count = count + 1
    if count == 5 then wrk.thread:stop() end
    return wrk.format(nil, path)
end
