-- Headers listed.
response = function(status, headers, body)
    local names = {}
    for name, value in pairs(headers) do names[#names + 1] = name .. "=" .. value end
    table.sort(names)
    print("> " .. table.concat(names, ";"))
    wrk.thread:stop()
end
