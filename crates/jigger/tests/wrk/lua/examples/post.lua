-- A form, sent at full speed.
wrk.method = "POST"
wrk.body = "foo=bar&baz=quux"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
local left = 3
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
