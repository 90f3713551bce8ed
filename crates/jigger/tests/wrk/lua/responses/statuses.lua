-- Statuses counted.
local codes, seen = {}, 0
local paths = { "/status/200", "/status/404", "/status/503" }
request = function() seen = seen + 1 return wrk.format("GET", paths[seen % 3 + 1]) end
response = function(status, headers, body)
    codes[status] = (codes[status] or 0) + 1
    if status ~= 200 then
        print("> " .. status .. " " .. body:upper() .. " " .. tostring(headers["None"]))
    end
    local all = 0
    for _, count in pairs(codes) do all = all + count end
    if all == 6 then wrk.thread:stop() end
end
done = function(summary)
    local names = {}
    for name, count in pairs(summary.errors) do table.insert(names, name .. count) end
    table.sort(names)
    print("> " .. table.concat(names, ","))
    print("> " .. summary.errors.status / summary.requests * 100 .. "%")
end
