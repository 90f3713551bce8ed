-- A request by hand, with an empty line behind its body.
local form = "a=1&b=2"
request = function()
    return "POST /raw HTTP/1.1\r\nHost: raw\r\nContent-Length: " .. #form ..
        "\r\n\r\n" .. form .. "\r\n"
end
local left = 6
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
