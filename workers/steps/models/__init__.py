"""What the step kinds that call models share: their fields, how a request is made of them, and what becomes of the answer.

The models themselves are behind `workers.models`.
"""
