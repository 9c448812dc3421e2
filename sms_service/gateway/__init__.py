"""The way to and from SMS and USSD gateways: the wire form of callbacks, the client for outgoing calls, a registry."""
