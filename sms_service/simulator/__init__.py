"""A local Africa's Talking: the gateway's two interfaces, a record of all traffic, and a browser handset.

It is a process of its own (``python -m sms_service.simulator``) and nothing imports it. It speaks the gateway's wire
form to the byte so that the service can be exercised whole, and it can be told to misbehave in every way the gateway
might. Texts given to it never reach a real phone.
"""
