"""The worked example of the design: scenario X with its appetite and four controls (E5 to E7)."""

X = """\
scenarios:
  - name: scenario X
    frequency: {pert: [0.1, 0.5, 2]}
    primary: {pert: [50_000, 150_000, 900_000]}
    secondary: {probability: 0.3, loss: {lognormal90: [1e5, 3e6]}}
controls:
  - {name: MFA, frequency_effectiveness: 0.35, cost: 40_000}
  - {name: moderation, frequency_effectiveness: 0.25, cost: 90_000}
  - {name: DLP, frequency_effectiveness: 0.3, cost: 120_000}
  - {name: red team, frequency_effectiveness: 0.1, cost: 30_000}
appetite: [[250_000, 0.25], [1e6, 0.1], [5e6, 0.01]]
value: {benefits: [400_000, 400_000], discount_rate: 0.08, launch_cost: 20_000}
"""
"""Inherent outside at the first two points; e* = .317469, met first at 250,000; MFA is enough."""

SMALL = """\
scenarios: [{name: outage, frequency: {poisson: 1}, primary: {constant: 10}}]
controls: [{name: MFA, frequency_effectiveness: 0.5, cost: 3}]
appetite: [[5, 0.5]]
"""
"""Computed in no time; P(L > 5) = 1 − 1/e, and s* = ln 2."""
