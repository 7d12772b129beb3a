"""Durable statecharts for agents and services."""
