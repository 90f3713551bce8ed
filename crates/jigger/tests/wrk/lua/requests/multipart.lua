-- A form in parts.
local boundary = "----Boundary" .. ("x"):rep(4)
wrk.method = "POST"
wrk.headers["Content-Type"] = "multipart/form-data; boundary=" .. boundary
wrk.body = "--" .. boundary .. "\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nv\r\n--" ..
    boundary .. "--\r\n"
local left = 6
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
