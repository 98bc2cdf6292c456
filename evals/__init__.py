"""Measure the chatbot: retrieval on BEIR collections, answers on a fixed question set.

Imports ``chatbot``; ``chatbot`` never imports this.
"""
