"""What crosses a process boundary, and nothing else.

The operator, the jobs and the scoring servers run in different images and at different versions; the only things
they may share are the shapes in this package: the store's layout, the manifests in it, the tasks and reports of
jobs, the reference profile, the monitor snapshot and the traffic setting. It imports none of our other packages.

Every shape is a frozen `msgspec.Struct`, camelCase on the wire. Unknown fields are ignored, so that a newer writer
does not break an older reader; a missing or mistyped field raises `msgspec.ValidationError` naming its path.
"""
