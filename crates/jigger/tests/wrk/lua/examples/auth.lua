-- A token out of the first response goes into the later requests.
local token, path, answers = nil, "/authenticate", 0
request = function() return wrk.format("GET", path) end
response = function(status, headers, body)
    if not token and status == 200 then
        token = headers["X-A"]
        path = "/resource"
        wrk.headers["X-Token"] = token
    end
    answers = answers + 1
    if answers == 4 then wrk.thread:stop() end
end
