-- Functions that make requests in turn.
local makers = {
    function() return wrk.format("GET", "/0", nil, nil) end,
    function() wrk.method = "PUT" return wrk.format(nil, "/1", nil, "x") end,
    function() return wrk.format("HEAD", "/empty") end,
}
local turn = 0
request = function() turn = turn + 1 return makers[turn % 3 + 1]() end
local left = 6
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
