module postgregent.test/pause

go 1.24
