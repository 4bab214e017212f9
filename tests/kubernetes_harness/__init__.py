"""A real Kubernetes for the tests, built from Go modules and run by our own hand.

Two layers: the control plane (`control_plane.py`: etcd, kube-apiserver, kube-controller-manager on
loopback) and the node (`node.py`: everything a pod needs, in namespaces of its own; root only).
"""
