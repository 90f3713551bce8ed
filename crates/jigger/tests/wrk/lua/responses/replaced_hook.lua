-- A hook replaced under way.
local second = function() return wrk.format("GET", "/second") end
request = function() return wrk.format("GET", "/first") end
local seen = 0
response = function()
    seen = seen + 1
    request = second
    if seen == 3 then wrk.thread:stop() end
end
