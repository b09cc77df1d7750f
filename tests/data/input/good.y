1
2
# comment
3
4
