"""The rules of sponsorship: who a person is, with what authority, when a pledge stands. Pure."""
