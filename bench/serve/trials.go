package main

func trials() []*trial {
	return []*trial{fanOutTrial(), memoryTrial(), stallTrial(), ingestTrial(), transportsTrial(), filesTrial(), stormTrial(), silenceTrial(), thousandsTrial()}
}
