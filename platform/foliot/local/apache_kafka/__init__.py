"""Apache Kafka (KRaft, one node) on the Java of this machine."""

from foliot.local.apache_kafka.jars import install_jars, jars_folder
from foliot.local.apache_kafka.node import ApacheKafka

__all__ = ["ApacheKafka", "install_jars", "jars_folder"]
