-- Errors caught.
response = function()
    local ok, problem = pcall(function() error({ code = 7 }) end)
    print("> " .. tostring(ok) .. problem.code)
    print("> " .. select(2, xpcall(function() error("deep", 0) end, function(text)
        return text .. "!" .. type(debug.traceback(text))
    end)))
    wrk.thread:stop()
end
